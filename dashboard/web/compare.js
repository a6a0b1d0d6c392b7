// Several runs over each other, and what differs in their configurations.

function compare() {
  const runs = app.runs;
  if (runs.length < 2) {
    return card('Compare runs', {}, h('p', {class: 'empty'},
        'This page holds one run. Name several to compare them: ' +
        'fedgap report RUN OTHER -o report.html'));
  }
  const x = [...new Set(runs.flatMap(run => run.rounds.round))]
      .sort((a, b) => a - b);
  const overlay = (title, values, format, extra) => lineChart({title, x, format,
    span: 'span6', height: 260, ...extra,
    series: runs.map((run, i) => {
      const places = new Map(run.rounds.round.map((round, at) => [round, at]));
      const column = values(run) || [];
      return {label: runLabel(run), colour: colour(i), dash: dashes(i),
        values: x.map(round => column[places.get(round)] ?? null)};
    })});
  const of = name => run => accuracyOf(run).columns[name];
  return h('div', {class: 'grid'}, resultsCard(runs),
      overlay('Mean accuracy', of('mean'), share => percent(share)),
      overlay('Accuracy of the worst group', of('worst'),
          share => percent(share)),
      overlay('Gap between the groups', of('gap'), share => percent(share)),
      overlay('Loss in training', run => run.rounds.train_loss,
          value => decimals(value)),
      differencesCard(runs));
}

function resultsCard(runs) {
  const rows = runs.map(run => {
    const {columns, source} = accuracyOf(run);
    const isMeasured = newest(columns.mean).index >= 0;
    const now = name => percent(newest(columns[name]).value);
    return [runLabel(run), run.state.phase, whole(last(run.rounds.round) || 0),
      !isMeasured ? '–' :
        source === 'server' ? 'server’s images' : 'clients’ images',
      now('mean'), now('worst'), now('gap'), duration(run.state.seconds ??
        sum(run.rounds.seconds.total)), bytes(sum(run.rounds.bytes_up)),
      runId(run)];
  });
  const header = ['run', 'state', 'rounds', 'measured on', 'mean', 'worst',
    'gap', 'time', 'from clients', 'id'];
  const sources = new Set(runs.map(run => accuracyOf(run).source));
  return card('Results', {note: sources.size > 1 &&
    'The accuracies are of different images: some runs are measured on the ' +
    'server’s, some on the clients’ held-out ones. They do not compare.'},
  scrolled('Results', h('table', {},
      h('thead', {}, h('tr', {}, header.map((title, i) =>
        h('th', {scope: 'col', class: i > 1 ? 'num' : ''}, title)))),
      h('tbody', {}, rows.map(row => h('tr', {}, row.map((text, i) =>
        i === 0 ? h('th', {scope: 'row'}, text) :
          h('td', {class: i > 1 ? 'num' : ''}, text))))))));
}

// "section.key" to its text, of the TOML that a run writes down: one key a
// line.
function configKeys(text) {
  const keys = new Map();
  let section = '';
  for (const line of text.split('\n')) {
    const head = /^\[+([^\]]+)\]+/.exec(line);
    const entry = /^([A-Za-z0-9_."-]+)\s*=\s*(.*)$/.exec(line.trim());
    if (head) section = head[1] + '.';
    else if (entry) keys.set(section + entry[1], entry[2]);
  }
  return keys;
}

function differencesCard(runs) {
  const configs = runs.map(run => configKeys(run.run ? run.run.config : ''));
  const names = [...new Set(configs.flatMap(config => [...config.keys()]))]
      .filter(name => new Set(configs.map(c => c.get(name))).size > 1).sort();
  const title = 'What differs in their configurations';
  if (names.length === 0) {
    return card(title, {}, h('p', {}, 'Nothing: every key is the same.'));
  }
  return card(title, {}, scrolled(title, h('table', {},
      h('thead', {}, h('tr', {}, ['key', ...runs.map(runLabel)].map(
          text => h('th', {scope: 'col'}, text)))),
      h('tbody', {}, names.map(name => h('tr', {},
          h('th', {scope: 'row'}, name), configs.map((config, i) =>
            h('td', {class: i > 0 &&
              config.get(name) !== configs[0].get(name) ? 'different' : ''},
            config.get(name) ?? '–'))))))));
}
