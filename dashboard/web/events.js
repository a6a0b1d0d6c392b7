// The log itself, to search.

const searched = {text: '', level: '', client: ''};
const kMostEvents = 500;

function events(run) {
  const rows = run.events.rows;
  if (rows.length === 0) {
    return card('Events', {}, h('p', {class: 'empty'}, 'The log is empty.'));
  }
  const body = h('tbody');
  const count = h('span', {class: 'note', role: 'status'});
  const find = () => {
    const text = searched.text.toLowerCase();
    const client = searched.client.toLowerCase();
    return rows.filter(row =>
      (searched.level === '' || row[2] === searched.level) &&
      row[5].toLowerCase().includes(client) &&
      (row[3] + ' ' + row[6]).toLowerCase().includes(text)).reverse();
  };
  const show = () => {
    const found = find();
    count.textContent = `${whole(found.length)} events, newest first` +
      (found.length > kMostEvents ? `; ${kMostEvents} shown` : '');
    body.replaceChildren(...found.slice(0, kMostEvents).map(
        ([seq, ms, level, type, round, client, text]) => h('tr',
            {class: level}, h('td', {class: 'num'}, whole(seq)),
            h('td', {}, time(ms)), h('td', {}, level),
            h('td', {class: 'num'}, round > 0 ? whole(round) : ''),
            h('td', {}, type),
            h('td', {}, client ? clientLink(client) : ''),
            h('td', {class: 'wrap'}, text))));
  };
  const input = (label, name) => h('label', {}, label, h('input', {
    type: 'search', id: 'events-' + name, value: searched[name],
    oninput: event => {
      searched[name] = event.target.value;
      show();
    }}));
  show();
  const header = ['seq', 'time (UTC)', 'level', 'round', 'type', 'client',
    'what'];
  return card('Events', {note: run.events.seen > rows.length &&
    `The newest ${whole(rows.length)} of ${whole(run.events.seen)}; ` +
    '“fedgap logs” shows them all.',
  tools: [h('button', {type: 'button', 'aria-label': 'Events as CSV',
    onclick: () => saveCsv('events', header, find().map(row => [row[0],
      time(row[1]), row[2], row[4], row[3], row[5], row[6]]))}, 'CSV')]},
  h('div', {class: 'controls'}, input('Search', 'text'),
      input('Client', 'client'),
      h('label', {}, 'Level', h('select', {id: 'events-level',
        onchange: event => {
          searched.level = event.target.value;
          show();
        }}, [['', 'all'], ['warning', 'warnings'], ['info', 'info'],
        ['debug', 'debug']].map(([value, label]) => h('option',
          {value, selected: searched.level === value}, label)))), count),
  scrolled('Events', h('table', {class: 'log'}, h('thead', {}, h('tr', {},
      header.map(title => h('th', {scope: 'col'}, title)))), body)));
}
