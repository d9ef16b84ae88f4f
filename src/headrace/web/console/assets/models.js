// The versions in the registry, with their cards.
export default {
  template: `
    <section aria-labelledby="models-title">
      <header class="lead"><h1 id="models-title">Models</h1>
        <p class="quiet">Every version in the registry. A model's name alone means its champion.</p></header>
      <p v-if="trouble" class="panel trouble" role="alert">{{ trouble }}</p>
      <p v-else-if="started && !models.length" class="panel empty">No models yet. “headrace train” trains one.</p>
      <article v-for="one in models" :key="one.model" class="card panel">
        <h2>{{ one.model }} <span v-for="alias in one.aliases" :key="alias" class="chip good">{{ alias }}</span>
          <span v-if="one.served" class="chip">served</span></h2>
        <p v-if="one.error" class="trouble">{{ one.error }}</p>
        <template v-else>
          <p v-if="one.about" class="quiet">{{ one.about }}</p>
          <dl class="facts"><div v-for="fact in one.facts" :key="fact[0]"><dt>{{ fact[0] }}</dt><dd>{{ fact[1] }}</dd></div></dl>
          <details><summary>Labels</summary>
            <div class="scroll"><table>
              <thead><tr><th scope="col">Label</th><th scope="col">F1</th><th scope="col">Precision</th><th scope="col">Recall</th><th scope="col">Texts</th></tr></thead>
              <tbody><tr v-for="label in one.labels" :key="label.label">
                <th scope="row">{{ label.name }} <small v-if="label.own" class="quiet" :lang="label.label" dir="auto">{{ label.own }}</small>
                  <code v-if="label.name !== label.label">{{ label.label }}</code></th>
                <td>{{ percent(label.f1) }}</td><td>{{ percent(label.precision) }}</td><td>{{ percent(label.recall) }}</td>
                <td>{{ label.support === undefined ? "" : label.support.toLocaleString("en") }}</td>
              </tr></tbody>
            </table></div>
          </details>
        </template>
      </article>
    </section>`,
  props: { models: Array, trouble: String, started: Boolean },
  methods: { percent(value) { return value === undefined ? "" : (100 * value).toFixed(1) + "%"; } },
};
