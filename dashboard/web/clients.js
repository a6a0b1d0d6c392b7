// Every client in a table, and one client's history.

const listed = {text: '', group: '', sort: 'name', down: false, client: ''};
const kMostRows = 500;

const clientLink = name => h('button', {type: 'button', class: 'link',
  onclick: () => showClient(name)}, name);
function showClient(name) {
  listed.client = name;
  openView('clients');
  scrollTo(0, 0);
}

const kClientColumns = [
  {id: 'name', title: 'client', of: c => c.name, text: c => c.name},
  {id: 'state', title: 'state', of: (c, run) => clientState(run, c),
    text: (c, run) => clientState(run, c)},
  {id: 'groups', title: 'resolution', of: c => c.groups[0] ?? -1,
    text: (c, run) => c.groups.map(g => groupLabel(run, g)).join(', ') || '–'},
  {id: 'samples', title: 'samples', of: c => c.samples,
    text: c => whole(c.samples)},
  {id: 'seen', title: 'last seen (UTC)', of: c => c.last_seen,
    text: c => time(c.last_seen)},
  {id: 'influence', title: 'influence', of: c => c.influence,
    text: c => percent(c.influence, 2)},
  {id: 'norm', title: 'update norm', of: c => last(c.history.norm),
    text: c => significant(last(c.history.norm))},
  {id: 'cosine', title: 'cosine', of: c => last(c.history.cosine),
    text: c => decimals(last(c.history.cosine))},
  {id: 'seconds', title: 'seconds', of: c => last(c.history.arrived),
    text: c => duration(last(c.history.arrived))},
  {id: 'bytes', title: 'bytes', of: c => c.bytes, text: c => bytes(c.bytes)},
  {id: 'accepted', title: 'updates', of: c => c.accepted,
    text: c => whole(c.accepted)},
  {id: 'rejected', title: 'refused', of: c => c.rejected,
    text: c => whole(c.rejected)}];

// Those that the filters leave, sorted; what is absent comes last.
function listedClients(run) {
  const text = listed.text.toLowerCase();
  const column = kClientColumns.find(one => one.id === listed.sort);
  const found = run.clients.filter(client =>
    client.name.toLowerCase().includes(text) &&
    (listed.group === '' || client.groups.includes(Number(listed.group))));
  const order = (a, b) => {
    const [x, y] = [column.of(a, run), column.of(b, run)];
    if (x == null || y == null) return (x == null) - (y == null);
    const sign = x < y ? -1 : x > y ? 1 : 0;
    return listed.down ? -sign : sign;
  };
  return found.sort(order);
}

function clients(run) {
  if (run.clients.length === 0) {
    return card('Clients', {}, h('p', {class: 'empty'},
        'No client has joined yet.'));
  }
  const body = h('tbody');
  const count = h('span', {class: 'note', role: 'status'});
  const heads = kClientColumns.map((column, i) => h('th', {scope: 'col',
    class: i > 2 ? 'num' : ''}, h('button', {type: 'button', onclick: () => {
    listed.down = listed.sort === column.id && !listed.down;
    listed.sort = column.id;
    show();
  }}, column.title)));
  const show = () => {
    const found = listedClients(run);
    heads.forEach((head, i) => {
      if (kClientColumns[i].id === listed.sort) {
        head.setAttribute('aria-sort',
            listed.down ? 'descending' : 'ascending');
      } else {
        head.removeAttribute('aria-sort');
      }
    });
    count.textContent = `${whole(found.length)} of ` +
      `${whole(run.clients.length)}` +
      (found.length > kMostRows ? `, the first ${kMostRows} shown` : '');
    body.replaceChildren(...found.slice(0, kMostRows).map(
        client => clientRow(run, client)));
  };
  show();
  const groups = run.groups.map(group => group.group);
  const table = card('Clients', {tools: [h('button', {type: 'button',
    'aria-label': 'Clients as CSV', onclick: () => saveCsv('clients',
        kClientColumns.map(column => column.title),
        listedClients(run).map(client => kClientColumns.map(column =>
          column.id === 'groups' ? column.text(client, run) :
          column.id === 'seen' ? time(client.last_seen) :
          column.of(client, run))))}, 'CSV')],
  note: 'Norm, cosine and seconds are of the newest update; the cosine is ' +
    'with the global step of the round before.'},
  h('div', {class: 'controls'},
      h('label', {}, 'Name', h('input', {type: 'search', id: 'client-name',
        value: listed.text, oninput: event => {
          listed.text = event.target.value;
          show();
        }})),
      h('label', {}, 'Resolution', h('select', {id: 'client-group',
        onchange: event => {
          listed.group = event.target.value;
          show();
        }}, h('option', {value: ''}, 'all'), groups.map(group =>
        h('option', {value: group, selected: listed.group === String(group)},
            groupLabel(run, group))))), count),
  scrolled('Clients', h('table', {class: 'held'},
      h('thead', {}, h('tr', {}, heads)), body)));
  const one = run.clients.find(client => client.name === listed.client);
  return h('div', {class: 'grid'}, one && clientHistory(run, one), table);
}

function clientRow(run, client) {
  return h('tr', {class: client.name === listed.client ? 'chosen' : ''},
      kClientColumns.map((column, i) => {
        if (i === 0) {
          return h('td', {}, clientLink(client.name));
        }
        const text = column.text(client, run);
        const level = column.id !== 'state' ? undefined :
          {refused: 'bad', away: 'warn'}[text];
        return h('td', {class: i > 2 ? 'num' : ''},
            level ? h('span', {class: 'badge ' + level}, text) : text);
      }));
}

function clientHistory(run, client) {
  const history = client.history;
  const chart = (title, series, format) => lineChart({title, span: 'span6',
    height: 190, x: history.round || [], format, series});
  const line = (label, values, index) => ({label, values,
    colour: colour(index), dash: dashes(index)});
  const facts = [
    ['samples', whole(client.samples)],
    ['image edges', client.max_pixels > 0 ?
      `${Math.round(Math.sqrt(client.min_pixels))} to ` +
      `${Math.round(Math.sqrt(client.max_pixels))} px` : '–'],
    ['software', client.software || '–'], ['address', client.peer || '–'],
    ['last seen', time(client.last_seen) + ' UTC']];
  return h('div', {class: 'grid', 'data-wide': true},
      card(client.name, {tools: [h('button', {type: 'button', onclick: () => {
        listed.client = '';
        draw();
      }}, 'Close')], note: history.stride > 1 &&
        `One point stands for ${history.stride} updates.`},
      h('p', {}, facts.map(([name, value]) => `${name} ${value}`).join(' · ')),
      client.rejections.length > 0 && h('div', {},
          h('h3', {}, 'The last refusals'),
          h('ul', {}, client.rejections.map(one => h('li', {},
              `round ${one.round}, ${time(one.time)} UTC: ${one.code}: ` +
              one.reason))))),
      chart('Norm of its updates', [line('norm', history.norm, 0)]),
      chart('Cosine with the global step before',
          [line('cosine', history.cosine, 2)], value => decimals(value)),
      chart('Its seconds', [line('until it arrived', history.arrived, 0),
        line('training', history.train, 1)], duration),
      chart('Accuracy on its held-out images',
          [line('accuracy', history.held_out, 5)], share => percent(share)));
}
