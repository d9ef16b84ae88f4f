// The sources: state, counts, a chart of the last hour, gaps.
const HEIGHT = 24; // of the chart, in its own units; a minute is one unit wide

export default {
  template: `
    <section class="sources" aria-labelledby="sources-title">
      <header class="lead">
        <h1 id="sources-title">Sources</h1>
        <p class="quiet">What “headrace ingest” and “headrace up” read, and what became of it. Counts are over all runs.</p>
        <div v-if="total" class="bar"><span v-for="kind in kinds" :key="kind.name" :class="['chip', kind.tone]">{{ kind.name }}</span>
          <form v-if="total > few || wanted" role="search" aria-label="Which sources" @submit.prevent>
            <input type="search" v-model="typed" aria-label="Name, URL or state" placeholder="Find a source" maxlength="256" @input="find">
          </form></div>
      </header>
      <p v-if="trouble" class="panel trouble" role="alert">{{ trouble }}</p>
      <div v-if="started && !total" class="panel empty"><p>No source has been read yet. To read one:</p>
        <pre>headrace ingest posts.jsonl</pre>
        <p>A source is a file, a folder, or the URL of a stream. “headrace up” reads those in the [[ingest]] tables of headrace.toml.</p></div>
      <p v-else-if="started && !found" class="panel empty">No source matches.</p>
      <ol class="source-list">
        <li v-for="row in rows" :key="row.key" class="panel source">
          <div class="account">
            <div class="who">
              <h2 dir="auto">{{ row.name }}</h2>
              <p v-if="row.url" class="quiet small" dir="auto">{{ row.url }}</p>
            </div>
            <p v-if="row.reason || row.about" class="why small"><span v-if="row.reason" dir="auto">{{ row.reason }}</span> <span class="quiet">{{ row.about }}</span></p>
            <dl class="facts">
              <div v-for="count in row.counts" :key="count[0]"><dt>{{ count[0] }}</dt><dd :class="count[2]">{{ count[1] }}</dd></div>
            </dl>
            <p v-if="row.gap" class="gap small"><span class="chip bad">{{ row.gaps === 1 ? "1 gap" : row.gaps + " gaps" }}</span>
              <span class="quiet">The last: <time :datetime="iso(row.gap.at)">{{ when(row.gap.at) }}</time>, {{ row.gap.missed }}:</span> <span dir="auto">{{ row.gap.reason }}</span></p>
            <p v-if="row.lag || row.cursor" class="cursor small quiet"><span v-if="row.lag" title="How long ago the newest document had been written when it was published">Lag {{ row.lag }}</span>
              <span v-if="row.cursor">Cursor <code dir="auto">{{ row.cursor }}</code></span></p>
          </div>
          <div class="recent">
            <div class="state"><small class="quiet">{{ row.age }}</small><span :class="['chip', row.tone]">{{ row.state }}</span></div>
            <div class="chart">
              <svg v-if="row.read.length || row.published.length" role="img" :aria-label="row.chart" :viewBox="'0 0 60 ' + height" preserveAspectRatio="none">
                <path class="read" :d="bars(row.read, row)"/><path class="published" :d="bars(row.published, row)"/></svg>
              <p class="quiet small" :aria-hidden="row.read.length || row.published.length ? 'true' : null">{{ row.hour }}</p>
            </div>
            <button type="button" :aria-label="'Details of ' + row.name" @click="look(row.key)">Details</button>
          </div>
        </li>
      </ol>
      <p v-if="found > rows.length && rows.length" class="quiet more">{{ rows.length.toLocaleString("en") }} of {{ found.toLocaleString("en") }} sources are shown. Find others by name, or list them all with “headrace sources”.</p>
      <dialog ref="dialog" class="wide" aria-labelledby="source-title" @close="look('')" @click.self="$refs.dialog.close()">
        <article v-if="detail && detail.key === looked">
          <h3 id="source-title" dir="auto">{{ detail.name }}</h3>
          <p v-if="detail.gone" class="quiet">Nothing is known of this source any more.</p>
          <template v-else>
            <dl><dt>URL</dt><dd dir="auto">{{ detail.url }}</dd>
              <dt>State</dt><dd>{{ detail.state }}</dd>
              <template v-if="detail.reason"><dt>Reason</dt><dd dir="auto">{{ detail.reason }}</dd></template>
              <template v-if="detail.saved"><dt>Updated</dt><dd><time :datetime="iso(detail.saved)">{{ when(detail.saved) }}</time></dd></template></dl>
            <h4>Cursor</h4>
            <pre v-if="detail.cursor" dir="auto" tabindex="0" aria-label="Cursor">{{ detail.cursor }}</pre><p v-else class="quiet">None yet.</p>
            <h4>Gaps</h4>
            <p v-if="!detail.gaps.length" class="quiet">None.</p>
            <ol v-else class="gaps"><li v-for="(gap, place) in detail.gaps" :key="place"><span class="quiet"><time :datetime="iso(gap.at)">{{ when(gap.at) }}</time>, {{ gap.missed }}</span>
              <span dir="auto">{{ gap.reason }}</span></li></ol>
            <h4>By minute</h4>
            <p v-if="!detail.minutes.length" class="quiet">Nothing was counted yet.</p>
            <div v-else class="scroll" tabindex="0" role="region" aria-label="Counts by minute"><table>
              <thead><tr><th scope="col">Minute</th><th v-for="head in detail.heads" :key="head" scope="col">{{ head }}</th></tr></thead>
              <tbody><tr v-for="line in detail.minutes" :key="line[0]"><th scope="row"><time :datetime="iso(line[0])">{{ when(line[0], true) }}</time></th>
                <td v-for="(cell, place) in line.slice(1)" :key="place">{{ cell }}</td></tr></tbody>
            </table></div>
          </template>
          <button type="button" autofocus @click="$refs.dialog.close()">Close</button>
        </article>
      </dialog>
    </section>`,
  props: { rows: Array, kinds: Array, total: Number, found: Number, wanted: String, detail: Object, trouble: String, started: Boolean },
  data: () => ({ height: HEIGHT, few: 8, typed: "", looked: "", timer: null }),
  created() { this.typed = this.wanted; },
  watch: {
    // One that was sent before the dialog was closed opens it no more.
    detail(now) {
      if (now?.key === this.looked && this.looked && !this.$refs.dialog.open) this.$refs.dialog.showModal();
    },
  },
  methods: {
    look(key) {
      this.looked = key;
      this.$emit("look", key);
    },
    iso(at) { return new Date(at).toISOString(); },
    when(at, minute) { return new Date(at).toLocaleString([], minute ? { dateStyle: "short", timeStyle: "short" } : {}); },
    // A bar for each minute; the highest of both fills the chart, and none is too low to be seen.
    bars(counts, row) {
      const most = Math.max(1, ...row.read, ...row.published);
      return counts.map((count, place) => {
        if (!count) return "";
        const high = Math.max(1.5, HEIGHT * count / most);
        return "M" + (place + 0.12) + " " + HEIGHT + "v" + -high.toFixed(2) + "h.76v" + high.toFixed(2) + "z";
      }).join("");
    },
    find() {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => {
        const value = this.typed.trim();
        history.replaceState(null, "", value ? "?" + new URLSearchParams({ find: value }) : location.pathname);
        this.$emit("find", value);
      }, 150);
    },
  },
};
