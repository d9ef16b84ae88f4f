// The head of every page.
const SCHEMES = { auto: "light dark", light: "light", dark: "dark" };

export default {
  template: `
    <header class="header">
      <a class="skip" href="#main">Skip to content</a>
      <a class="name" :href="base + '/'"><svg viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="8"/>
        <path d="M5 12c3.7-3.6 7.3-3.6 11 0s7.3 3.6 11 0M5 20.5c3.7-3.6 7.3-3.6 11 0s7.3 3.6 11 0"/></svg>Headrace</a>
      <h1 v-if="pages[0].here" class="unseen">Live results</h1>
      <nav aria-label="Pages">
        <a v-for="page in pages" :key="page.path" :href="base + page.path" :aria-current="page.here ? 'page' : null">
          {{ page.name }}<span v-if="page.path === '/dead' && dead" class="count">{{ dead.toLocaleString("en") }}</span></a>
      </nav>
      <button class="scheme" type="button" @click="turn" :title="'Colours: ' + scheme" :aria-label="'Colours: ' + scheme + '; change'">
        <svg viewBox="0 0 24 24" aria-hidden="true">
          <circle v-if="scheme === 'light'" cx="12" cy="12" r="5" fill="currentColor"/>
          <path v-if="scheme === 'light'" d="M12 1v3M12 20v3M1 12h3M20 12h3M4.2 4.2l2.1 2.1M17.7 17.7l2.1 2.1M4.2 19.8l2.1-2.1M17.7 6.3l2.1-2.1"
            stroke="currentColor" stroke-width="2" stroke-linecap="round"/>
          <path v-if="scheme === 'dark'" d="M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z" fill="currentColor"/>
          <circle v-if="scheme === 'auto'" cx="12" cy="12" r="8" fill="none" stroke="currentColor" stroke-width="2"/>
          <path v-if="scheme === 'auto'" d="M12 4a8 8 0 0 1 0 16z" fill="currentColor"/>
        </svg>
      </button>
    </header>`,
  props: { pages: Array, dead: Number, base: String },
  data: () => ({ scheme: localStorage.getItem("headrace-colours") ?? "auto" }),
  created() { this.apply(); },
  methods: {
    turn() {
      this.scheme = { auto: "light", light: "dark", dark: "auto" }[this.scheme] ?? "auto";
      localStorage.setItem("headrace-colours", this.scheme);
      this.apply();
    },
    apply() { document.documentElement.style.colorScheme = SCHEMES[this.scheme] ?? SCHEMES.auto; },
  },
};
