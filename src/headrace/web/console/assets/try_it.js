// Labels a text while it is typed.
export default {
  template: `
    <section class="try-it panel" aria-labelledby="try-it-title">
      <h2 id="try-it-title">Try a text</h2>
      <div class="halves">
        <textarea v-model="text" rows="4" dir="auto" maxlength="20000" spellcheck="false" aria-label="A text to label"
          placeholder="Type or paste a text …" @input="ask"></textarea>
        <div class="prediction" aria-live="polite">
          <p v-if="!text.trim()" class="quiet">Text is labelled as you type. It is not stored.</p>
          <p v-else-if="answer && answer.trouble" class="trouble">{{ answer.trouble }}</p>
          <template v-else-if="answer">
            <div v-for="model in answer.models" :key="model.model" class="opinion">
              <p class="big"><span>{{ model.name }}</span><template v-if="model.own"><i aria-hidden="true"> · </i><span :lang="model.label"
                dir="auto">{{ model.own }}</span></template></p>
              <ol class="others">
                <li v-for="one in model.top" :key="one.label">
                  <span class="word">{{ one.name }}</span>
                  <span class="rail" aria-hidden="true"><span :style="{ width: 100 * one.score + '%' }"></span></span>
                  <span class="figure">{{ share(one.score) }}</span>
                </li>
              </ol>
              <p class="quiet small">{{ model.model }}</p>
            </div>
          </template>
          <p v-else class="quiet">…</p>
        </div>
      </div>
    </section>`,
  props: { answer: Object },
  data: () => ({ text: "", timer: null }),
  methods: {
    ask() {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.$emit("ask", this.text), 120);
    },
    share(score) {
      if (score > 0.995 && score < 1) return "> 99%";
      return score < 0.005 ? "< 1%" : Math.round(100 * score) + "%";
    },
  },
};
