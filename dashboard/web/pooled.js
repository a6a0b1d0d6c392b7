// The clients' pooled vectors: what the network makes of images of each
// resolution before it decides.

const looked = {place: -1};  // of this view's slider; -1: the newest round

function pooled(run) {
  const data = run.pooled;
  if (!data || data.rounds.length === 0) {
    return card('Pooled vectors', {}, h('p', {class: 'empty'},
        'There are no pooled vectors beside this log: they stand in the run’s ' +
        'directory under pooled/, one file a round, and a copied log comes ' +
        'without them.'));
  }
  const rounds = data.rounds;
  const place = looked.place < 0 || looked.place >= rounds.length ?
    rounds.length - 1 : looked.place;
  return h('div', {class: 'grid'},
      scatterCard(run, data, place),
      driftCard(run, rounds, 'to_all', 'Cosine with the mean of all groups',
          'Below 1: what this resolution’s images look like to the network ' +
          'differs from what all images look like.', 1),
      driftCard(run, rounds, 'to_previous', 'Cosine with the group’s own before',
          'Of the mean pooled vector with that of the round looked at before: ' +
          'near 1 when training has settled.', 2),
      distancesCard(run, data),
      data.problems.length > 0 && card('Files that could not be read', {},
          h('ul', {}, data.problems.map(text => h('li', {}, text)))));
}

function scatterCard(run, data, place) {
  const round = data.rounds[place];
  const groups = [...new Set(round.points.map(point => point[1]))]
      .sort((a, b) => a - b);
  const title = 'Clients by their pooled vectors';
  const all = data.rounds.flatMap(one => one.points);
  const says = h('output', {}, `round ${round.round}`);
  return svgChart({title,
    before: [
      h('div', {class: 'controls'}, h('label', {}, 'Round ',
          h('input', {type: 'range', id: 'pooled-round', min: 0,
            max: data.rounds.length - 1, value: place, onchange: event => {
              looked.place = Number(event.target.value);
              draw();
            }}), says)),
      h('ul', {class: 'legend'}, groups.map(group => h('li', {},
          s('svg', {width: 12, height: 12, 'aria-hidden': 'true'},
              mark(6, 6, group, {})), groupLabel(run, group))))],
    label: `${title}, round ${round.round}: ${round.points.length} points in ` +
      `${groups.length} resolution groups`,
    note: `Principal components of the mean pooled vector of each client and ` +
      `group: the picture shows ${percent(data.explained[0])} and ` +
      `${percent(data.explained[1])} of the variance. The scale is the same ` +
      'in every round.',
    data: () => ({header: ['round', 'client', 'group', 'x', 'y'],
      rows: data.rounds.flatMap(one => one.points.map(point => [one.round,
        point[0], groupLabel(run, point[1]), point[2], point[3]]))}),
    draw: width => scatterSvg(Math.min(width, 900), run, round.points, all)});
}

// A group's own shape and colour.
function mark(x, y, group, attributes, title) {
  const r = 5;
  const shapes = [
    () => s('circle', {cx: x, cy: y, r}),
    () => s('rect', {x: x - r + .5, y: y - r + .5, width: 2 * r - 1,
      height: 2 * r - 1}),
    () => s('path', {d: `M${x} ${y - r}l${r} ${1.8 * r}h${-2 * r}z`}),
    () => s('path', {d: `M${x} ${y - r - 1}l${r + 1} ${r + 1}l${-r - 1} ` +
      `${r + 1}l${-r - 1} ${-r - 1}z`}),
    () => s('path', {d: `M${x} ${y + r}l${-r} ${-1.8 * r}h${2 * r}z`}),
    () => s('path', {d: `M${x - 2} ${y - r}h4v${r - 2}h${r - 2}v4h${2 - r}` +
      `v${r - 2}h-4v${2 - r}h${2 - r}v-4h${r - 2}z`})];
  const shape = shapes[group % shapes.length]();
  for (const [name, value] of Object.entries({fill: colour(group),
    'fill-opacity': .85, stroke: cssColour('--card'), ...attributes})) {
    shape.setAttribute(name, value);
  }
  if (title) shape.append(s('title', {}, title));
  return shape;
}

function scatterSvg(width, run, points, all) {
  const height = Math.max(260, Math.min(440, width * .6));
  const svg = s('svg', {viewBox: `0 0 ${width} ${height}`});
  const scale = (place, length, flip) => {
    const values = all.map(point => point[place]).filter(isNumber);
    const low = values.reduce((a, b) => Math.min(a, b), Infinity);
    const span = values.reduce((a, b) => Math.max(a, b), -Infinity) - low || 1;
    return value => {
      const share = (value - low) / span;
      return 16 + (flip ? 1 - share : share) * (length - 32);
    };
  };
  const x = scale(2, width, false);
  const y = scale(3, height, true);
  svg.append(s('rect', {x: .5, y: .5, width: width - 1, height: height - 1,
    fill: 'none', stroke: cssColour('--line')}));
  for (const [client, group, px, py] of points) {
    svg.append(mark(x(px), y(py), group, {},
        `${client}, ${groupLabel(run, group)}`));
  }
  if (points.length <= 16) {
    const names = points.map(([client, , px, py]) =>
      ({client, x: x(px), y: y(py) + 4})).sort((a, b) => a.y - b.y);
    // Names that would lie over each other move down.
    names.forEach((name, i) => {
      for (const other of names.slice(0, i)) {
        const near = Math.abs(other.x - name.x) < 110;
        if (near && name.y - other.y < 12) name.y = other.y + 12;
      }
    });
    for (const name of names) {
      const left = name.x > width - 110;
      svg.append(svgText(name.x + (left ? -9 : 9), name.y,
          shortened(name.client, 18), {'font-size': 11,
            'text-anchor': left ? 'end' : 'start', fill: cssColour('--dim')}));
    }
  }
  return svg;
}

function driftCard(run, rounds, column, title, note) {
  const place = {to_all: 1, to_previous: 2}[column];
  const groups = [...new Set(rounds.flatMap(
      round => round.drift.map(row => row[0])))].sort((a, b) => a - b);
  return lineChart({title, note, span: 'span6', x: rounds.map(r => r.round),
    format: value => decimals(value, 4),
    series: groups.map(group => ({label: groupLabel(run, group),
      colour: colour(group), dash: dashes(group),
      values: rounds.map(round => {
        const row = round.drift.find(one => one[0] === group);
        return row ? row[place] : null;
      })}))});
}

// Beyond these a matrix is a blur of tens of thousands of elements.
const kMostClasses = 60;
const kMostPairs = 40;
function nearestCard(title, names, at) {
  const pairs = [];
  for (let row = 0; row < names.length; ++row) {
    for (let column = 0; column < row; ++column) {
      const distance = at(row, column);
      if (isNumber(distance)) pairs.push([names[row], names[column], distance]);
    }
  }
  pairs.sort((a, b) => a[2] - b[2]);
  return pairsCard({title, pairs, header: ['class', 'class', 'distance'],
    text: value => significant(value),
    note: `Euclidean, of the newest round: the ${kMostPairs} nearest pairs of ` +
      `${names.length} classes, those that the network confuses. CSV has all.`});
}
// The first of `pairs`, [name, name, value], as a table.
function pairsCard({title, pairs, header, text, note, before}) {
  return card(title, {note, tools: [h('button', {type: 'button',
    'aria-label': title + ' as CSV',
    onclick: () => saveCsv(fileName(title), header, pairs)}, 'CSV')]}, before,
  scrolled(title, h('table', {}, h('thead', {}, h('tr', {}, header.map(
      (name, i) => h('th', {scope: 'col', class: i === 2 ? 'num' : ''}, name)))),
  h('tbody', {}, pairs.slice(0, kMostPairs).map(([one, other, value]) =>
    h('tr', {}, h('td', {class: 'wrap'}, one), h('td', {class: 'wrap'}, other),
        h('td', {class: 'num'}, text(value))))))));
}

function distancesCard(run, data) {
  const title = 'Distances between class prototypes';
  if (data.classes === 0) {
    return card(title, {}, h('p', {class: 'empty'},
        'The clients send no means of their classes.'));
  }
  const names = Array.from({length: data.classes}, (_, i) => className(run, i));
  const at = (row, column) => data.distances[row * data.classes + column];
  const most = data.distances.reduce(
      (most, one) => isNumber(one) ? Math.max(most, one) : most, 1e-12);
  if (names.length > kMostClasses) return nearestCard(title, names, at);
  return svgChart({title, label: title,
    note: 'Euclidean, of the newest round: classes that stand close are those ' +
      'that the network confuses.',
    data: () => ({header: ['class', ...names], rows: names.map((name, row) =>
      [name, ...names.map((_, column) => at(row, column))])}),
    draw: width => matrixSvg(Math.min(width, 720), {names, value: at,
      shade: (row, column) => at(row, column) / most,
      text: value => isNumber(value) ? significant(value, 2) : '–',
      rowTitle: 'class', columnTitle: 'to class'})});
}
