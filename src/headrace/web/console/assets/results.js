// Results, newest first. The server makes the rows; “Pause” keeps them still.
const CALM = 12; // if more rows than this are new at once, none is highlighted

export default {
  template: `
    <section class="results panel" aria-labelledby="results-title">
      <header>
        <h2 id="results-title">Results</h2>
        <form class="filters" role="search" aria-label="Which results" @submit.prevent>
          <select v-if="models.length > 1" :value="chosen.model" aria-label="Model" @change="choose('model', $event.target.value)">
            <option v-for="one in models" :key="one" :value="one">{{ one }}</option>
          </select>
          <select :value="chosen.label" aria-label="Label" @change="choose('label', $event.target.value)">
            <option value="">All labels</option>
            <option v-if="chosen.label && !labels.some((one) => one.label === chosen.label)" :value="chosen.label">{{ chosen.label }}</option>
            <option v-for="one in labels" :key="one.label" :value="one.label">{{ one.name }}</option>
          </select>
          <input :value="chosen.source" list="sources" aria-label="Source" placeholder="All sources" maxlength="256"
            @change="choose('source', $event.target.value.trim())">
          <datalist id="sources"><option v-for="one in sources" :key="one" :value="one"></option></datalist>
          <button type="button" :aria-pressed="held ? 'true' : 'false'" @click="hold">{{ held ? "Resume" : "Pause" }}</button>
        </form>
      </header>
      <p v-if="!shown.length && started" class="quiet empty">{{ chosen.label || chosen.source ? "No results match." : "No results yet. They appear here as they arrive." }}</p>
      <ol class="rows" :class="{ calm }">
        <li v-for="row in shown" :key="row.id">
          <button type="button" class="row" :class="{ many: row.others.length }" @click="$emit('look', row.id)">
            <span class="label"><b>{{ row.name }}</b><small v-if="row.own" :lang="row.label" dir="auto">{{ row.own }}</small></span>
            <span class="text" dir="auto">{{ row.text }}</span>
            <span class="marks">
              <span v-for="one in row.others" :key="one.model" class="chip">{{ one.model }}: {{ one.name }}</span>
              <span v-if="row.source" class="chip">{{ row.source }}</span>
              <span v-if="row.score !== null" class="score"><span class="rail" aria-hidden="true"><span
                :style="{ width: 100 * row.score + '%' }"></span></span>{{ Math.round(100 * row.score) }}%</span>
            </span>
          </button>
        </li>
      </ol>
      <dialog ref="dialog" aria-labelledby="detail-title" @close="$emit('look', '')" @click.self="$refs.dialog.close()">
        <article v-if="detail">
          <h3 id="detail-title">{{ detail.id }}</h3>
          <p v-if="detail.gone" class="quiet">This document no longer exists. It may have been erased.</p>
          <template v-else>
            <p class="whole" dir="auto">{{ detail.text }}</p>
            <dl><template v-for="one in detail.facts" :key="one[0]"><dt>{{ one[0] }}</dt><dd dir="auto">{{ one[1] }}</dd></template></dl>
            <pre v-if="detail.meta" dir="auto">{{ detail.meta }}</pre>
          </template>
          <button type="button" autofocus @click="$refs.dialog.close()">Close</button>
        </article>
      </dialog>
    </section>`,
  props: { rows: Array, labels: Array, models: Array, chosen: Object, detail: Object, started: Boolean },
  data: () => ({ shown: [], sources: [], held: false, calm: true }),
  watch: {
    rows: { immediate: true, handler() { if (!this.held) this.take(); } },
    detail(now) {
      if (now && !this.$refs.dialog.open) this.$refs.dialog.showModal();
    },
  },
  methods: {
    take() {
      const known = new Set(this.shown.map((row) => row.id));
      const fresh = this.rows.filter((row) => !known.has(row.id)).length;
      this.calm = !known.size || fresh > CALM;
      this.shown = this.rows;
      const found = new Set([...this.sources, ...this.rows.map((row) => row.source).filter(Boolean)]);
      if (found.size !== this.sources.length) this.sources = [...found].sort().slice(0, 50);
    },
    hold() {
      this.held = !this.held;
      if (!this.held) this.take();
    },
    choose(name, value) {
      const chosen = { ...this.chosen, [name]: value };
      if (name === "model") chosen.label = "";
      const asked = new URLSearchParams(Object.entries(chosen).filter(([, one]) => one));
      history.replaceState(null, "", asked.size ? "?" + asked : location.pathname);
      this.held = false;
      this.$emit("choose", chosen);
    },
  },
};
