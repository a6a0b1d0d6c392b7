// Accuracy and loss by resolution group, how even they are, what is taken for
// what.

const chosen = {source: '', size: 0};  // of this view's controls

function resolution(run) {
  const rounds = run.rounds;
  const accuracy = accuracyOf(run, chosen.source);
  const lines = column => run.groups.map((group, i) => ({
    label: groupLabel(run, group.group), values: group[column],
    colour: colour(group.group), dash: dashes(group.group), order: i}));
  const fairness = accuracy.columns;
  return h('div', {},
      h('div', {class: 'controls'}, h('label', {}, 'Measured on',
          h('select', {id: 'measured-on', onchange: event => {
            chosen.source = event.target.value;
            draw();
          }}, [['server', 'the server’s images'],
            ['clients', 'the clients’ held-out images']].map(
              ([value, label]) => h('option', {value,
                selected: value === accuracy.source}, label))))),
      h('div', {class: 'grid'},
          lineChart({title: 'Accuracy by resolution group', span: 'span6',
            height: 280, x: rounds.round, series: lines(accuracy.group),
            format: share => percent(share), note: 'Measured ' + accuracy.words}),
          lineChart({title: 'Loss by resolution group', span: 'span6',
            height: 280, x: rounds.round, series: lines(accuracy.loss),
            note: 'Cross-entropy in nats, ' + accuracy.words}),
          lineChart({title: 'Fairness over the groups', span: 'span6',
            x: rounds.round, format: share => percent(share),
            note: 'Each group counts the same. Standard deviation of the ' +
              'population.',
            series: [{label: 'worst', values: fairness.worst,
              colour: colour(5)},
            {label: 'gap', values: fairness.gap, colour: colour(0),
              dash: dashes(1)},
            {label: 'standard deviation', values: fairness.stddev,
              colour: colour(2), dash: dashes(2)}]}),
          lineChart({title: 'Jain’s index', span: 'span6', x: rounds.round,
            format: value => decimals(value, 4),
            note: '(Σx)² / (nΣx²) of the groups’ accuracies: 1 is even.',
            series: [{label: 'Jain', values: fairness.jain,
              colour: colour(3)}]}),
          lineChart({title: 'Influence by resolution group', height: 200,
            x: rounds.round, series: lines('influence'),
            format: share => percent(share),
            range: (u, min, max) => [0, (max || 1) * 1.08],
            note: 'Shares of the aggregation weight, round by round.'}),
          groupTable(run, accuracy),
          confusionCard(run)));
}

function groupTable(run, accuracy) {
  const header = ['group', 'accuracy', 'loss', 'nearest prototype',
    'held out at clients', 'influence', 'by pixels', 'clients', 'samples'];
  const row = group => {
    const index = newest(group[accuracy.group]).index;
    const at = (column, i = index) => i < 0 ? undefined : column[i];
    return [groupLabel(run, group.group), percent(at(group[accuracy.group])),
      decimals(at(group[accuracy.loss])), percent(at(group.prototype)),
      percent(newest(group.held_out).value),
      percent(meanShare(group.influence)),
      percent(meanShare(group.pixel_share)),
      whole(last(group.clients)), whole(last(group.samples))];
  };
  return card('The groups now', {note: 'Influence and by pixels: ' +
    `${overNewestRounds(run)}. Clients and samples: of the newest round.`},
  unservedNote(run), scrolled('The groups now', h('table',
      {}, h('thead', {}, h('tr', {}, header.map((title, i) =>
        h('th', {scope: 'col', class: i ? 'num' : ''}, title)))),
      h('tbody', {}, run.groups.map(group => h('tr', {},
          row(group).map((text, i) => i === 0 ? h('th', {scope: 'row'}, text) :
            h('td', {class: 'num'}, text))))))));
}

function confusionCard(run) {
  const evaluation = run.evaluation;
  const title = 'Confusion matrix';
  if (!evaluation || evaluation.sizes.length === 0) {
    return card(title, {}, h('p', {class: 'empty'},
        'The server has evaluated no round: it has no images, or has not ' +
        'come to it (evaluation.every).'));
  }
  const sizes = evaluation.sizes;
  const size = sizes[Math.min(chosen.size, sizes.length - 1)];
  const classes = Math.round(Math.sqrt(size.confusion.length));
  const names = Array.from({length: classes}, (_, i) => className(run, i));
  const at = (row, column) => size.confusion[row * classes + column];
  const totals = names.map((_, row) =>
    sum(size.confusion.slice(row * classes, (row + 1) * classes)));
  const label = one => (one.size || 'own sizes') + ', ' +
    groupLabel(run, one.group);
  const before = h('div', {class: 'controls'}, h('label', {}, 'Image size',
      h('select', {id: 'confusion-size', onchange: event => {
        chosen.size = Number(event.target.value);
        draw();
      }}, sizes.map((one, i) => h('option', {value: i,
        selected: one === size}, label(one))))),
  h('span', {class: 'note'}, `After round ${evaluation.round}: ` +
      `${percent(size.accuracy)} of ${whole(size.samples)} right`));
  if (classes > kMostClasses) return confusedCard(title, before, names, at);
  return svgChart({title, before,
    label: `${title}, ${label(size)}: ` + names.map((name, i) =>
      `${name} ${percent(at(i, i) / totals[i])} right`).join(', '),
    note: 'Rows are labels, columns what the model said; shades are shares of ' +
      'a row.',
    data: () => ({header: ['label', ...names],
      rows: names.map((name, row) => [name, ...names.map(
          (_, column) => at(row, column))])}),
    draw: width => matrixSvg(Math.min(width, 720), {names, value: at,
      shade: (row, column) => at(row, column) / totals[row],
      text: value => String(value), rowTitle: 'label',
      columnTitle: 'predicted'})});
}

function confusedCard(title, before, names, at) {
  const pairs = [];
  names.forEach((name, row) => names.forEach((other, column) => {
    if (row !== column && at(row, column) > 0) {
      pairs.push([name, other, at(row, column)]);
    }
  }));
  pairs.sort((a, b) => b[2] - a[2]);
  return pairsCard({title, before, pairs, text: whole,
    header: ['label', 'predicted', 'images'],
    note: `The ${kMostPairs} commonest mistakes between ${names.length} ` +
      'classes. CSV has all.'});
}
