// Charts in cards. Each card has its numbers as a table for those who do not
// see it, and as CSV; its picture as PNG.

// What survives when a view is drawn again: zooms, open details, the place (x)
// to which the keyboard came in a chart.
const kept = {zoom: new Map(), open: new Set(), place: new Map()};

// What outlives the elements of the view that it was made for, unless it is
// told to end: charts are known to those that share their cursor, too.
const alive = {charts: new Set(), observers: new Set()};
function endCharts() {
  for (const observer of alive.observers) observer.disconnect();
  for (const chart of alive.charts) chart.destroy();
  alive.observers.clear();
  alive.charts.clear();
}

function card(title, {span = '', note, tools = []}, ...body) {
  const id = 'card-' + fileName(title);
  return h('section', {class: 'card ' + span, 'aria-labelledby': id},
      h('div', {class: 'card-head'}, h('h2', {id}, title),
          tools.length > 0 && h('div', {class: 'tools'}, tools)),
      body, note && h('p', {class: 'note'}, note));
}

// A chart's own card. `data` gives {header, rows}; `picture` a promise of a
// canvas.
function chartCard(options, body, data, picture) {
  const name = fileName(options.title);
  const tools = [
    ...(options.tools || []),
    h('button', {type: 'button', title: 'The picture, as a PNG file',
      onclick: async () => (await picture()).toBlob(
          blob => save(name + '.png', blob))}, 'PNG'),
    h('button', {type: 'button', title: 'The numbers, as a CSV file',
      onclick: () => {
        const {header, rows} = data();
        saveCsv(name, header, rows);
      }}, 'CSV')];
  for (const tool of tools.slice(-2)) {
    tool.setAttribute('aria-label', `${options.title} as ${tool.textContent}`);
  }
  return card(options.title, {...options, tools}, body,
      dataTable(name, data));
}

function dataTable(name, data) {
  const details = h('details', {class: 'data'},
      h('summary', {}, 'The numbers'));
  const show = () => {
    if (!details.open) {
      kept.open.delete(name);
    } else if (details.children.length === 1) {
      kept.open.add(name);
      details.append(numbersTable(data()));
    }
  };
  details.addEventListener('toggle', show);
  details.open = kept.open.has(name);
  if (details.open) show();
  return details;
}
// What is wider than the page scrolls by itself, with the keyboard too.
const scrolled = (label, ...body) => h('div', {class: 'scroll', tabindex: 0,
  role: 'region', 'aria-label': label}, body);

function numbersTable({header, rows}) {
  const most = 200;
  const left = rows.length - most;
  const cell = value => h('td', {class: 'num'},
      typeof value === 'number' ? significant(value, 5) : value ?? '–');
  return scrolled('The numbers',
      left > 0 && h('p', {class: 'note'},
          `The last ${most} of ${rows.length} rows; CSV has them all.`),
      h('table', {}, h('thead', {}, h('tr', {}, header.map(
          title => h('th', {scope: 'col', class: 'num'}, title)))),
      h('tbody', {}, rows.slice(-most).map(
          row => h('tr', {}, row.map(cell))))));
}

// --- Pictures ---------------------------------------------------------------

function blankCanvas(width, height, scale) {
  const canvas = h('canvas', {width: width * scale, height: height * scale});
  const context = canvas.getContext('2d');
  context.fillStyle = cssColour('--card');
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.scale(scale, scale);
  return {canvas, context};
}
function drawTitle(context, title, entries, width) {
  context.fillStyle = cssColour('--ink');
  context.font = '600 15px system-ui, sans-serif';
  context.fillText(title, 12, 22);
  context.font = '13px system-ui, sans-serif';
  let [x, y] = [12, 44];
  for (const entry of entries) {
    const step = context.measureText(entry.label).width + 44;
    if (x + step > width) [x, y] = [12, y + 19];
    context.strokeStyle = entry.colour;
    context.lineWidth = 3;
    context.setLineDash(entry.dash || []);
    context.beginPath();
    context.moveTo(x, y - 4);
    context.lineTo(x + 22, y - 4);
    context.stroke();
    context.fillText(entry.label, x + 28, y);
    x += step;
  }
  context.setLineDash([]);
  return entries.length > 0 ? y + 14 : 34;
}
async function svgPicture(title, svg) {
  const box = svg.viewBox.baseVal;
  const copy = svg.cloneNode(true);
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  copy.setAttribute('width', 2 * box.width);
  copy.setAttribute('height', 2 * box.height);
  const url = URL.createObjectURL(new Blob(
      [new XMLSerializer().serializeToString(copy)],
      {type: 'image/svg+xml'}));
  const image = new Image();
  image.src = url;
  await image.decode();
  const {canvas, context} = blankCanvas(box.width + 24, box.height + 46, 2);
  drawTitle(context, title, [], box.width);
  context.drawImage(image, 12, 36, box.width, box.height);
  URL.revokeObjectURL(url);
  return canvas;
}

// --- Lines ------------------------------------------------------------------

function legend(series) {
  const values = [];
  const list = h('ul', {class: 'legend'}, series.map((one, i) => {
    values.push(h('b'));
    return h('li', {}, lineSample(one.colour, one.dash), one.label + ' ',
        values[i]);
  }));
  return {list, values};
}
const lineSample = (stroke, dash) =>
  s('svg', {width: 24, height: 10, 'aria-hidden': 'true'},
      s('line', {x1: 0, y1: 5, x2: 24, y2: 5, stroke, 'stroke-width': 3,
        'stroke-dasharray': (dash || []).join(' ') || null}));

// {title, x, series: [{label, values, colour, dash, width}], format, range,
//  xLabel, note, height, span}. Drag zooms, a double click shows all again;
// with the keyboard: arrows move along the rounds.
function lineChart(options) {
  const series = options.series.filter(one => one.values &&
    one.values.some(isNumber));
  const xLabel = options.xLabel || 'round';
  if (series.length === 0 || options.x.length === 0) {
    return card(options.title, options,
        h('p', {class: 'empty'}, options.empty || 'Nothing measured yet.'));
  }
  const {list, values} = legend(series);
  const format = options.format || (value => significant(value));
  const words = i => `${xLabel} ${options.x[i]}: ` + series.map(
      one => `${one.label} ${format(one.values[i])}`).join(', ');
  const says = h('div', {class: 'visually-hidden', 'aria-live': 'polite'});
  const plot = h('div', {class: 'chart', tabindex: 0, role: 'img',
    'aria-label': `${options.title}. ${words(options.x.length - 1)}. ` +
      'Arrow keys move along.'});
  const show = i => series.forEach((one, k) => {
    const at = i == null ? newest(one.values).value : one.values[i];
    values[k].textContent = format(at);
  });
  show(null);
  let chart = null;
  const draw = width => {
    if (chart) {
      chart.setSize({width, height: chart.height});
      return;
    }
    chart = new uPlot(lineOptions(options, series, width, format, show),
        [options.x, ...series.map(one => one.values)], plot);
    alive.charts.add(chart);
    const zoom = kept.zoom.get(options.title);
    if (zoom) chart.setScale('x', zoom);
    const place = options.x.indexOf(kept.place.get(options.title));
    if (place >= 0) pointAt(chart, options.x[place]);
  };
  whenSized(plot, draw);
  // Also comes when the view is drawn again: then the place is kept.
  plot.addEventListener('blur', () => setTimeout(() => {
    if (plot.isConnected) kept.place.delete(options.title);
  }));
  plot.addEventListener('keydown', event => {
    const step = {ArrowLeft: -1, ArrowRight: 1}[event.key];
    if (!step || !chart) return;
    event.preventDefault();
    const at = chart.cursor.idx ?? (step > 0 ? -1 : options.x.length);
    const i = Math.max(0, Math.min(options.x.length - 1, at + step));
    pointAt(chart, options.x[i]);
    kept.place.set(options.title, options.x[i]);
    says.textContent = words(i);
  });
  const data = () => ({header: [xLabel, ...series.map(one => one.label)],
    rows: options.x.map((x, i) => [x, ...series.map(one => one.values[i])])});
  return chartCard(options, [list, plot, says], data,
      async () => linePicture(options.title, series, chart));
}

// As the pointer would, at x.
function pointAt(chart, x) {
  chart.setCursor({left: chart.valToPos(x, 'x'),
    top: chart.over.clientHeight / 2});
}

function lineOptions(options, series, width, format, show) {
  const ink = cssColour('--dim');
  const grid = {stroke: cssColour('--line'), width: 1};
  const axis = {stroke: ink, grid, ticks: grid,
    font: '12px system-ui, sans-serif'};
  return {
    width, height: options.height || 240, legend: {show: false},
    padding: [10, 12, 0, 0],
    cursor: {sync: {key: options.xLabel || 'round'}, points: {size: 7},
      drag: {x: true, y: false}},
    scales: {x: {time: false},
      y: options.range ? {range: options.range} : {}},
    axes: [{...axis, size: 30, label: options.xLabel || 'round',
      labelSize: 16, labelGap: 0, labelFont: axis.font,
      values: (u, ticks) => ticks.map(
          tick => Number.isInteger(tick) ? whole(tick) : '')},
    {...axis, size: 64, values: (u, ticks) => ticks.map(format)}],
    series: [{}, ...series.map(one => ({
      label: one.label, stroke: one.colour, width: one.width || 2,
      dash: one.dash, fill: one.fill, spanGaps: true,
      points: {show: options.x.length <= 40, size: 5}}))],
    bands: options.bands,
    hooks: {
      setCursor: [u => show(u.cursor.idx)],
      setScale: [(u, key) => {
        if (key !== 'x') return;
        const {min, max} = u.scales.x;
        const all = min <= options.x[0] && max >= last(options.x);
        if (all) kept.zoom.delete(options.title);
        else kept.zoom.set(options.title, {min, max});
      }]},
  };
}

function linePicture(title, series, chart) {
  const {canvas, context} = blankCanvas(10, 10, 1);
  const top = drawTitle(context, title, series, chart.width);
  const {canvas: out, context: on} = blankCanvas(chart.width + 12,
      top + chart.height + 8, 2);
  drawTitle(on, title, series, chart.width);
  on.drawImage(chart.ctx.canvas, 0, top, chart.width, chart.height);
  return out;
}

// Calls `draw` with the element's width, now and when it changes.
function whenSized(element, draw) {
  let width = 0;
  const observer = new ResizeObserver(entries => {
    const now = Math.floor(entries[0].contentRect.width);
    if (now === 0 || now === width) return;
    width = now;
    // What is drawn changes sizes: not while they are being told.
    // Until then another view may have come.
    requestAnimationFrame(() => element.isConnected && draw(now));
  });
  observer.observe(element);
  alive.observers.add(observer);
}

// --- SVG --------------------------------------------------------------------

// {title, label, draw(width) -> svg, data, note, span}
function svgChart(options) {
  const plot = h('div', {class: 'chart'});
  whenSized(plot, width => {
    const svg = options.draw(width);
    svg.setAttribute('width', svg.viewBox.baseVal.width);
    svg.setAttribute('role', 'img');
    svg.setAttribute('aria-label', options.label || options.title);
    plot.replaceChildren(svg);
  });
  return chartCard(options, [options.before, plot], options.data,
      () => svgPicture(options.title, plot.firstChild));
}
const svgText = (x, y, text, attributes, title) => s('text', {x, y,
  fill: cssColour('--ink'), 'font-size': 13,
  'font-family': 'system-ui, DejaVu Sans, sans-serif', ...attributes}, text,
title && title !== text && s('title', {}, title));

const shortened = (text, chars) => text.length <= chars ? text :
  text.slice(0, Math.max(1, chars - 1)) + '…';

// A square matrix in shades: {names, value(row, column), text(value), max}.
function matrixSvg(width, {names, value, shade, text, rowTitle, columnTitle}) {
  const n = names.length;
  const left = Math.min(110, Math.max(34, width * 0.22));
  const top = 26;
  const cell = Math.min(46, (width - left - 4) / n);
  const size = cell < 30 ? 9.5 : 12;
  const chars = Math.floor((left - 8) / 6.4);
  const longest = Math.max(...names.map(name => name.length));
  const slanted = longest * 6.6 > cell;
  const under = slanted ? Math.min(longest, chars) * 4.8 + 22 : 26;
  const svg = s('svg', {viewBox: `0 0 ${width} ${top + n * cell + under}`});
  svg.append(svgText(left, 15, columnTitle + ' →', {'font-size': 12,
    fill: cssColour('--dim')}));
  names.forEach((name, row) => {
    const y = top + row * cell;
    svg.append(svgText(left - 6, y + cell / 2 + 4, shortened(name, chars),
        {'text-anchor': 'end', 'font-size': 12}));
    for (let column = 0; column < n; ++column) {
      const {fill, ink} = heat(shade(row, column));
      const box = s('rect', {x: left + column * cell, y, width: cell - 1,
        height: cell - 1, fill, rx: 2});
      box.append(s('title', {}, `${rowTitle} ${name}, ${columnTitle} ` +
        `${names[column]}: ${text(value(row, column))}`));
      svg.append(box);
      if (cell >= 24) {
        svg.append(svgText(left + (column + .5) * cell, y + cell / 2 + 4,
            text(value(row, column)),
            {'text-anchor': 'middle', 'font-size': size, fill: ink}));
      }
    }
  });
  names.forEach((name, column) => {
    const x = left + (column + .5) * cell + (slanted ? 4 : 0);
    const y = top + n * cell + 13;
    svg.append(svgText(x, y, shortened(name, chars),
        {'text-anchor': slanted ? 'end' : 'middle', 'font-size': 11,
          transform: slanted ? `rotate(-45 ${x} ${y})` : null,
          fill: cssColour('--dim')}));
  });
  return svg;
}
