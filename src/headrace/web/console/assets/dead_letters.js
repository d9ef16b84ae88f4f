// Dead letters, with buttons to replay or drop them.
export default {
  template: `
    <section class="dead-letters" aria-labelledby="dead-letters-title">
      <header class="lead"><h1 id="dead-letters-title">Dead letters</h1>
        <p class="quiet">Documents that could not be processed, newest first. Replay publishes a document again, then removes its dead letter.</p>
        <p v-if="kinds.length" class="kinds"><span v-for="kind in kinds" :key="kind" class="chip">{{ kind }}</span></p></header>
      <p v-if="trouble" class="panel trouble" role="alert">{{ trouble }}</p>
      <div class="bar" v-if="rows.length">
        <button type="button" @click="$emit('replay', burials)">Replay these {{ rows.length }}</button>
        <button type="button" class="danger" @click="sure(0, burials)">{{ asking === 0 ? "Really drop these " + rows.length + "?" : "Drop these " + rows.length }}</button>
        <span class="quiet" role="status">{{ said }}</span>
      </div>
      <p v-else-if="started" class="panel empty">{{ said }} No dead letters.</p>
      <ol class="rows panel" v-if="rows.length">
        <li v-for="row in rows" :key="row.burial" class="dead-letter">
          <div class="why"><span class="chip bad">{{ row.kind }}</span> <b dir="auto">{{ row.reason }}</b></div>
          <div class="quiet small">#{{ row.burial }} · <span dir="auto">{{ row.id }}</span><template v-if="row.model"> · {{ row.model }}</template><template
            v-if="row.source"> · {{ row.source }}</template> · <time :datetime="row.at">{{ when(row.at) }}</time></div>
          <details><summary>Content</summary><pre dir="auto">{{ row.data }}</pre></details>
          <div class="bar">
            <button type="button" @click="$emit('replay', [row.burial])">Replay</button>
            <button type="button" class="danger" @click="sure(row.burial, [row.burial])">{{ asking === row.burial ? "Really drop?" : "Drop" }}</button>
          </div>
        </li>
      </ol>
      <nav class="bar" aria-label="Pages of dead letters" v-if="next || before">
        <button type="button" :disabled="!before" @click="$emit('turn', false)">Newer</button>
        <button type="button" :disabled="!next" @click="$emit('turn', true)">Older</button>
      </nav>
    </section>`,
  props: { rows: Array, kinds: Array, next: Boolean, before: Boolean, trouble: String, said: String, started: Boolean },
  data: () => ({ asking: null, timer: null }),
  computed: { burials() { return this.rows.map((row) => row.burial); } },
  methods: {
    when(at) { return new Date(at).toLocaleString(); },
    // The first press asks; a second one within four seconds drops.
    sure(which, burials) {
      clearTimeout(this.timer);
      if (this.asking === which) {
        this.asking = null;
        this.$emit("drop", burials);
        return;
      }
      this.asking = which;
      this.timer = setTimeout(() => { this.asking = null; }, 4000);
    },
  },
};
