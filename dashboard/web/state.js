// The runs that the page shows: what came with it, and what is pushed later.
// docs/DASHBOARD.md has the form.

const app = {runs: [], chosen: 0, live: false};
const chosenRun = () => app.runs[app.chosen];

const groupLabel = (run, group) => {
  const label = run.run && run.run.group_labels[group];
  return label === undefined ? 'group ' + group : label + ' px';
};
const className = (run, index) =>
    (run.run && run.run.class_names[index]) || 'class ' + index;
const isOver = run => ['finished', 'interrupted'].includes(run.state.phase);
const runId = run => run.run ? run.run.id : run.source.name;
// A run alone goes by its id; several by the last parts, as many as tell them
// apart, of where they were found.
function runLabel(run) {
  const parts = app.runs.map(one => one.source.name.split('/').filter(Boolean));
  const most = Math.max(...parts.map(own => own.length));
  for (let count = 1; app.runs.length > 1 && count <= most; ++count) {
    const labels = parts.map(own => own.slice(-count).join('/'));
    if (new Set(labels).size === labels.length) {
      return labels[app.runs.indexOf(run)];
    }
  }
  return runId(run);
}

// How long the log of a run that trains may say nothing: a round that takes
// longer than three usual ones is worth a look.
const allowedSilence = run => Math.max(60,
    3 * (median((run.rounds.seconds.total || []).slice(-10)) || 0));
const isSilent = run => app.live &&
  ['running', 'between rounds'].includes(run.state.phase) &&
  (Date.now() - run.state.last) / 1000 > allowedSilence(run);

// Puts `tail`, columns that begin at row `from`, behind the first rows of
// `columns`; columns that were not there before are null up to `from`.
function mergeColumns(columns, tail, from) {
  for (const [name, values] of Object.entries(tail)) {
    if (Array.isArray(values)) {
      const before = (columns[name] || []).slice(0, from);
      while (before.length < from) before.push(null);
      columns[name] = before.concat(values);
    } else if (values !== null && typeof values === 'object') {
      columns[name] = mergeColumns(columns[name] || {}, values, from);
    } else {
      columns[name] = values;
    }
  }
  return columns;
}
function cutColumns(columns, length) {
  for (const [name, values] of Object.entries(columns)) {
    if (Array.isArray(values)) {
      columns[name] = values.slice(0, length);
    } else if (values !== null && typeof values === 'object') {
      cutColumns(values, length);
    }
  }
}

function emptyRun() {
  return {rounds: {round: [], seconds: {}, accuracy: {}, held_out: {}},
    groups: [], clients: [], events: {rows: [], seen: 0, kept: 0}, pooled: null};
}

// The newest `most` rows of each level: many of one push out none of another.
function newestOfEachLevel(rows, most) {
  const left = {};
  for (const [, , level] of rows) left[level] = (left[level] || 0) + 1;
  return rows.filter(([, , level]) => left[level]-- <= most);
}

// Takes what is new of one run.
function takeRun(index, update) {
  const run = app.runs[index] || (app.runs[index] = emptyRun());
  const from = update.rounds.from;
  for (const name of ['source', 'revision', 'run', 'state', 'evaluation']) {
    run[name] = update[name];
  }
  cutColumns(run.rounds, from);
  mergeColumns(run.rounds, update.rounds, from);
  const length = (run.rounds.round || (run.rounds.round = [])).length;
  for (const group of run.groups) cutColumns(group, from);
  for (const group of update.groups) {
    let known = run.groups.find(other => other.group === group.group);
    if (!known) {
      known = {};
      run.groups.push(known);
      run.groups.sort((a, b) => a.group - b.group);
    }
    mergeColumns(known, group, from);
  }
  for (const group of run.groups) {
    mergeColumns(group, Object.fromEntries(Object.keys(group)
        .filter(name => Array.isArray(group[name]) &&
          group[name].length < length).map(name => [name, []])), length);
  }
  const places = new Map(run.clients.map((client, i) => [client.name, i]));
  for (const client of update.clients) {
    const place = places.get(client.name);
    if (place === undefined) {
      run.clients.push(client);
      continue;
    }
    const history = run.clients[place].history;
    const from = client.history.from;
    cutColumns(history, from);
    run.clients[place] =
      {...client, history: mergeColumns(history, client.history, from)};
  }
  const {seen, kept} = update.events;
  run.events = {seen, kept,
    rows: newestOfEachLevel(run.events.rows.concat(update.events.rows), kept)};
  if (update.pooled) run.pooled = update.pooled;
}

// Whether its last update was refused: one that is taken since tells that it is
// well again.
function isRefused(client) {
  const rejection = last(client.rejections);
  return Boolean(rejection) &&
    rejection.round >= (last(client.history.round) ?? 0);
}
function clientState(run, client) {
  if (isRefused(client)) return 'refused';
  return client.connected === false && !isOver(run) ? 'away' : 'well';
}

// What an operator wants to be told of a run, worst first: {level, client,
// text}.
function troubles(run) {
  const found = [];
  const open = !isOver(run);
  const arrivals = run.clients.map(c => last(c.history.arrived));
  const usual = median(arrivals);
  for (const client of run.clients) {
    const rejection = last(client.rejections);
    const add = (level, text, at = client.last_seen) =>
        found.push({level, client: client.name, text, at});
    if (rejection) {
      add(isRefused(client) ? 'bad' : 'info', `${client.rejected} of its updates refused, last in round ` +
          `${rejection.round}: ${rejection.code}: ${rejection.reason}` +
          (isRefused(client) ? '' : '; accepted since'), rejection.time);
    }
    if (open && client.connected === false) {
      add('warn', `away since ${time(client.last_seen)} UTC` +
          (client.left_reason ? ': ' + client.left_reason : ''));
    }
    const cosine = last(client.history.cosine);
    // Between honest clients of different data it is often a little below 0.
    if (isNumber(cosine) && cosine < -0.5) {
      add('warn', `its last update points against the last global step ` +
          `(cosine ${cosine.toFixed(2)})`);
    }
    const arrived = last(client.history.arrived);
    if (run.clients.length > 2 && isNumber(arrived) && arrived > 2 * usual &&
        arrived > 1) {
      add('warn', `slow: its last update took ${duration(arrived)}, the ` +
          `usual client ${duration(usual)}`);
    }
  }
  const order = ['bad', 'warn', 'info'];
  return found.sort((a, b) =>
    order.indexOf(a.level) - order.indexOf(b.level) || b.at - a.at);
}

// Accuracy as the run has it: on the server's images, else on the clients'.
function accuracyOf(run, from) {
  const server = newest(run.rounds.accuracy.mean).index >= 0;
  const source = from || (server ? 'server' : 'clients');
  const isServer = source === 'server';
  return {source,
    columns: (isServer ? run.rounds.accuracy : run.rounds.held_out) || {},
    group: isServer ? 'accuracy' : 'held_out',
    loss: isServer ? 'loss' : 'held_out_loss',
    words: isServer ? 'on the server’s images, after the round.' :
      'on the clients’ held-out images, after the round.'};
}
