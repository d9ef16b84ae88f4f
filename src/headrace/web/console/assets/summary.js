// Totals, counts by label, and workers.
export default {
  template: `
    <aside class="summary">
      <p v-if="trouble" class="panel trouble" role="alert">{{ trouble }}</p>
      <dl class="tiles">
        <div v-for="tile in tiles" :key="tile.name" :class="['panel', tile.tone]"><dt>{{ tile.name }}</dt><dd><a v-if="tile.href" :href="base + tile.href">{{ tile.value }}</a><template v-else>{{ tile.value }}</template></dd><dd v-if="tile.more"
          class="quiet">{{ tile.more }}</dd></div>
      </dl>
      <section class="panel bars" aria-labelledby="bars-title">
        <h2 id="bars-title">{{ model || "Labels" }}</h2>
        <p v-if="!bars.length" class="quiet">Counts by label appear here.</p>
        <ol>
          <li v-for="bar in all ? bars : bars.slice(0, few)" :key="bar.label">
            <button type="button" :aria-pressed="bar.label === chosen ? 'true' : 'false'" @click="$emit('pick', bar.label)">
              <span class="word">{{ bar.name }}<small v-if="bar.own" :lang="bar.label" dir="auto">{{ bar.own }}</small></span>
              <span class="figure">{{ bar.count.toLocaleString("en") }}</span>
              <span class="rail" aria-hidden="true"><span :style="{ width: 100 * bar.count / most + '%' }"></span></span>
            </button>
          </li>
        </ol>
        <button v-if="bars.length > few" type="button" class="more" :aria-expanded="all ? 'true' : 'false'" @click="all = !all">{{ all ? "Show fewer" : "Show all " + bars.length }}</button>
      </section>
      <section class="panel workers" aria-labelledby="workers-title">
        <h2 id="workers-title">Workers</h2>
        <p v-if="!workers.length" class="quiet">No workers are running. “headrace work” starts one.</p>
        <ul>
          <li v-for="worker in workers" :key="worker.name" :class="worker.tone">
            <b><i aria-hidden="true"></i>{{ worker.name }}</b><span class="state">{{ worker.state }}</span>
            <small class="quiet">{{ worker.more }}</small>
          </li>
        </ul>
      </section>
    </aside>`,
  props: { base: String, tiles: Array, bars: Array, model: String, chosen: String, workers: Array, trouble: String },
  data: () => ({ all: false, few: 12 }),
  computed: { most() { return Math.max(1, ...this.bars.map((bar) => bar.count)); } },
};
