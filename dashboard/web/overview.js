// Is every resolution group being served, which client is in trouble, and why.

const kPhases = [['wait', 'waiting'], ['train', 'training'],
  ['transfer', 'transfer'], ['aggregate', 'aggregation'],
  ['evaluate', 'evaluation'], ['commit', 'commit'], ['other', 'other']];

function tile(name, value, more, extra) {
  return h('dl', {class: 'tile'}, h('dt', {}, name),
      h('dd', {}, h('div', {class: 'value'}, value), extra,
          more && h('div', {class: 'more'}, more)));
}

function overview(run) {
  const rounds = run.rounds;
  const accuracy = accuracyOf(run);
  const mean = newest(accuracy.columns.mean);
  const worst = newest(accuracy.columns.worst);
  const gap = newest(accuracy.columns.gap);
  const of = accuracy.source === 'server' ? 'server’s images' :
    'clients’ images';
  const done = last(rounds.round) || 0;
  const planned = run.run ? run.run.planned : 0;
  const state = run.state;
  const serving = state.phase === 'running' ? [
    `${state.received} of ${state.cohort} updates in round ${state.round}` +
    (state.attempt > 1 ? `, attempt ${state.attempt}` : '') + ', began ',
    since(state.began)] : '';
  const after = mean.index >= 0 ? `after round ${rounds.round[mean.index]}, ` +
    of : 'not measured yet';
  return h('div', {class: 'grid'},
      h('div', {class: 'tiles'},
          tile('Rounds committed', `${whole(done)} / ${whole(planned)}`,
              serving, h('progress', {max: planned || 1, value: done,
                'aria-label': 'rounds committed'})),
          isOver(run) ?
            tile('Time', duration(state.seconds), state.reason) :
            isSilent(run) ?
              tile('Time left', '–', 'nothing has come for longer than usual') :
              tile('Time left', duration(state.eta), 'by the last ten rounds'),
          tile('Mean accuracy', percent(mean.value), after),
          tile('Worst group', percent(worst.value), worstGroup(run, accuracy)),
          tile('Gap, best to worst', percent(gap.value),
              'of the groups’ accuracies'),
          tile('Updates', whole(state.accepted),
              `${whole(state.rejected)} refused, ` +
              `${whole(state.aborted)} rounds aborted`),
          tile('From clients', bytes(sum(rounds.bytes_up)),
              bytes(sum(rounds.bytes_down)) + ' to them')),
      influenceCard(run),
      attentionCard(run),
      lineChart({title: 'Accuracy', span: 'span6', x: rounds.round,
        format: share => percent(share), note: 'Measured ' + accuracy.words,
        series: [{label: 'mean of the groups', values: accuracy.columns.mean,
          colour: colour(0)},
        {label: 'worst group', values: accuracy.columns.worst,
          colour: colour(5), dash: dashes(1)}]}),
      timeCard(run),
      trafficCard(run));
}

function worstGroup(run, accuracy) {
  const index = newest(accuracy.columns.worst).index;
  if (index < 0) return 'not measured yet';
  const worst = [...run.groups].filter(g => isNumber(g[accuracy.group][index]))
      .sort((a, b) => a[accuracy.group][index] - b[accuracy.group][index])[0];
  return worst ? groupLabel(run, worst.group) : '';
}

// The mean over the newest rounds of a group's column, 0 where it had no part:
// what it got long ago does not hide that it gets nothing now.
const kNewestRounds = 10;
function meanShare(column) {
  const newest = (column || []).slice(-kNewestRounds);
  return newest.length ? sum(newest) / newest.length : 0;
}
const overNewestRounds = run => run.rounds.round.length > kNewestRounds ?
  `mean over the newest ${kNewestRounds} rounds` : 'mean over the rounds';
// Whether the newest round had nothing of the group.
const isUnserved = group =>
  !(last(group.influence) > 0) || !(last(group.clients) > 0);
function unservedNote(run) {
  const names = run.groups.filter(isUnserved).map(
      group => groupLabel(run, group.group));
  return names.length > 0 && h('p', {},
      h('span', {class: 'badge warn'}, 'not served'),
      ` ${names.join(', ')}: no part in round ${last(run.rounds.round)}.`);
}

function influenceCard(run) {
  const groups = run.groups.map(group => ({
    label: groupLabel(run, group.group),
    influence: meanShare(group.influence),
    pixels: meanShare(group.pixel_share),
    clients: meanShare(group.client_share)}));
  const title = 'Influence of each resolution group';
  if (groups.length === 0) {
    return card(title, {span: 'span8'},
        h('p', {class: 'empty'}, 'No round is committed yet.'));
  }
  const key = (fill, stroke, label) => h('li', {},
      s('svg', {width: 16, height: 11, 'aria-hidden': 'true'},
          s('rect', {x: 1, y: 1, width: 14, height: 9, fill, stroke,
            'stroke-dasharray': fill === 'none' ? '3 2' : null})), label);
  return svgChart({title, span: 'span8',
    before: [unservedNote(run), h('ul', {class: 'legend'},
        key(colour(0), colour(0), 'as aggregated'),
        key('none', cssColour('--dim'), 'weighted by pixels instead'),
        h('li', {}, s('svg', {width: 10, height: 12, 'aria-hidden': 'true'},
            s('rect', {x: 3, y: 0, width: 3, height: 12,
              fill: colour(5)})), 'share of the clients'))],
    label: title + ': ' + groups.map(group => `${group.label}: ` +
      `${percent(group.influence)}, by pixels ${percent(group.pixels)}, of ` +
      `the clients ${percent(group.clients)}`).join('; '),
    note: `Shares of the aggregation weight, ${overNewestRounds(run)}. The ` +
      'dashed bar is what summing un-normalised features would have done.',
    data: () => ({header: ['group', 'influence', 'by pixels', 'clients'],
      rows: groups.map(g => [g.label, g.influence, g.pixels, g.clients])}),
    draw: width => influenceSvg(width, groups)});
}

function influenceSvg(width, groups) {
  const longest = groups.reduce((most, g) => Math.max(most, g.label.length), 0);
  const left = Math.min(Math.max(78, longest * 7.4 + 12), width * .34);
  const chars = Math.floor((left - 12) / 7.4);
  const right = 118;
  const row = 44;
  const full = Math.max(...groups.flatMap(
      g => [g.influence, g.pixels, g.clients]), 0.01);
  // A page that is still being laid out may be narrower than the words.
  const room = Math.max(0, width - left - right);
  const scale = value => Math.max(0, value) / full * room;
  const svg = s('svg', {viewBox: `0 0 ${width} ${groups.length * row}`});
  groups.forEach((group, i) => {
    const y = i * row + 5;
    const at = left + scale(group.clients);
    svg.append(
        svgText(left - 8, y + 21, shortened(group.label, chars),
            {'text-anchor': 'end'}, group.label),
        s('rect', {x: left, y, width: scale(group.influence), height: 20,
          fill: colour(0), rx: 2}),
        s('rect', {x: left + .75, y: y + 22,
          width: Math.max(0, scale(group.pixels) - 1.5),
          height: 11, fill: 'none', stroke: cssColour('--dim'),
          'stroke-width': 1.5, 'stroke-dasharray': '4 3', rx: 2}),
        s('rect', {x: at - 1.5, y: y - 3, width: 3, height: 26,
          fill: colour(5)}),
        svgText(width - right + 10, y + 15, percent(group.influence),
            {'font-weight': 600}),
        svgText(width - right + 10, y + 32,
            percent(group.pixels) + ' by pixels',
            {'font-size': 11.5, fill: cssColour('--dim')}));
  });
  return svg;
}

function attentionCard(run) {
  const found = troubles(run);
  const shown = found.slice(0, 8);
  return card('Clients in trouble', {span: 'span4',
    note: run.state.unlisted_updates > 0 &&
      `Only the first ${whole(run.clients.length)} clients are looked at.`},
  found.length === 0 ? h('p', {}, h('span', {class: 'badge good'}, 'none'),
      ` ${whole(run.clients.length)} clients seen.`) :
    h('ul', {class: 'attention'}, shown.map(one => h('li', {},
        h('span', {class: 'badge ' + one.level},
            {bad: 'refused', warn: 'look', info: 'was refused'}[one.level]), ' ',
        clientLink(one.client), ' ', one.text))),
  found.length > shown.length && h('p', {class: 'note'},
      `and ${found.length - shown.length} more: see Clients`));
}

function timeCard(run) {
  const seconds = run.rounds.seconds;
  const count = run.rounds.round.length;
  // A simulated client comes when a thread is free; no bytes move.
  const words = label => run.run && run.run.simulated &&
    label === 'transfer' ? 'waiting for a thread' : label;
  const parts = kPhases.map(([name, label], i) => ({label: words(label),
    colour: colour(i), mean: count ? sum(seconds[name]) / count : 0}))
      .filter(part => part.mean > 0);
  const total = sum(parts.map(part => part.mean));
  const title = 'Where a round’s time goes';
  if (!(total > 0)) {
    return card(title, {span: 'span6'},
        h('p', {class: 'empty'}, 'No round is committed yet.'));
  }
  return svgChart({title, span: 'span6',
    label: title + ': ' + parts.map(part =>
      `${part.label} ${duration(part.mean)}`).join(', '),
    note: `Mean over the rounds. Training and ${words('transfer')} are of the ` +
      'client that came last; waiting is what was waited after it.',
    data: () => ({header: ['round',
      ...kPhases.map(phase => words(phase[1])), 'total'],
      rows: run.rounds.round.map((round, i) => [round,
        ...kPhases.map(phase => seconds[phase[0]][i]), seconds.total[i]])}),
    draw: width => stackSvg(width, parts, total)});
}

function stackSvg(width, parts, total) {
  const rows = parts.length;
  const svg = s('svg', {viewBox: `0 0 ${width} ${44 + rows * 24}`});
  let x = 0;
  parts.forEach((part, i) => {
    const wide = part.mean / total * width;
    svg.append(s('rect', {x, y: 2, width: Math.max(0.5, wide - 1), height: 28,
      fill: part.colour}, s('title', {}, part.label)));
    x += wide;
    const y = 56 + i * 24;
    svg.append(s('rect', {x: 0, y: y - 11, width: 14, height: 14, rx: 2,
      fill: part.colour}), svgText(22, y, part.label),
    svgText(width * .62, y, duration(part.mean), {'text-anchor': 'end'}),
    svgText(width * .62 + 70, y, percent(part.mean / total),
        {'text-anchor': 'end', fill: cssColour('--dim')}));
  });
  return svg;
}

function trafficCard(run) {
  const rounds = run.rounds;
  return h('div', {class: 'grid', style: null, 'data-wide': true},
      lineChart({title: 'Seconds a round', span: 'span6', height: 170,
        x: rounds.round, format: duration,
        range: (u, min, max) => [0, (max || 1) * 1.08],
        series: [{label: 'total', values: rounds.seconds.total,
          colour: colour(0)},
        {label: 'training of the last', values: rounds.seconds.train,
          colour: colour(1), dash: dashes(1)}]}),
      lineChart({title: 'Bytes a round', span: 'span6', height: 170,
        x: rounds.round, format: bytes,
        range: (u, min, max) => [0, (max || 1) * 1.08],
        series: [{label: 'from clients', values: rounds.bytes_up,
          colour: colour(2)},
        {label: 'to clients', values: rounds.bytes_down, colour: colour(3),
          dash: dashes(1)}]}));
}
