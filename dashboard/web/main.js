// The frame: which run, which view, which theme.

const kViews = [['overview', 'Overview', overview],
  ['resolution', 'Resolution', resolution], ['pooled', 'Pooled vectors', pooled],
  ['clients', 'Clients', clients], ['compare', 'Compare', compare],
  ['events', 'Events', events]];
const byId = id => document.getElementById(id);

const viewOf = hash => kViews.find(view => '#' + view[0] === hash) || kViews[0];
function openView(id) {
  if (location.hash === '#' + id) draw();
  else location.hash = id;
}

function drawTabs(now) {
  byId('tabs').replaceChildren(...kViews.map(([id, title]) => h('li', {},
      h('a', {href: '#' + id, 'aria-current': id === now && 'page'}, title))));
}

let picked = '';
// Drawn again only when it changes: an open list would close.
function drawPicker() {
  const run = chosenRun();
  const labels = JSON.stringify([app.chosen, ...app.runs.map(runLabel)]);
  if (labels === picked) return;
  picked = labels;
  byId('run-picker').replaceChildren(app.runs.length < 2 ?
    h('span', {}, runLabel(run)) :
    h('select', {id: 'run', 'aria-label': 'Run', onchange: event => {
      app.chosen = Number(event.target.value);
      listed.client = '';
      kept.zoom.clear();
      draw();
    }}, app.runs.map((one, i) => h('option',
        {value: i, selected: i === app.chosen}, runLabel(one)))));
}

function drawState(run) {
  const {phase, reason} = run.state;
  const level = phase === 'finished' ? 'good' : phase === 'running' ? '' :
    'warn';
  byId('run-state').replaceChildren(
      h('span', {class: 'badge ' + level}, phase),
      reason ? ' ' + reason : '');
}

const countOf = lines => lines === 1 ? 'one line' : whole(lines) + ' lines';

// What of the log could not be read.
function drawNotices(run) {
  const source = run.source;
  const found = [];
  if (source.bad_lines > 0) {
    found.push(countOf(source.bad_lines) + ' could not be read');
  }
  if (source.missing_lines > 0) {
    found.push(countOf(source.missing_lines) +
      (source.missing_lines === 1 ? ' is missing' : ' are missing'));
  }
  if (source.half_line_bytes > 0) found.push('the last line is cut off');
  byId('notices').replaceChildren(...(found.length === 0 ? [] : [
    h('div', {class: 'notice', role: 'status'},
        `Of ${source.name}: ${found.join(', ')}. The views show the rest.`,
        source.bad.length > 0 && h('ul', {}, source.bad.slice(0, 5).map(bad =>
          h('li', {}, `${bad.file}, line ${bad.line}: ${bad.what}`))))]));
}

function draw() {
  const run = chosenRun();
  if (!run) return;
  const [id, title, view] = viewOf(location.hash);
  document.title = `${title} – ${runLabel(run)} – fedgap`;
  drawTabs(id);
  drawPicker();
  drawState(run);
  drawNotices(run);
  const main = byId('main');
  const focused = document.activeElement;
  const caret = focused && focused.selectionStart;
  // Charts come a frame later: until then the page keeps its height, so that it
  // does not scroll away from who reads it.
  main.style.minHeight = main.offsetHeight + 'px';
  main.replaceChildren(run.revision === 0 ?
    h('p', {class: 'empty'}, 'The log holds no event yet.') : view(run));
  requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(
      () => main.style.minHeight = '')));
  const again = focused && focused.id && byId(focused.id);
  if (!again) return;
  again.focus({preventScroll: true});
  if (typeof caret === 'number') again.setSelectionRange(caret, caret);
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  byId('theme').textContent = theme === 'dark' ? 'Light' : 'Dark';
  byId('theme').setAttribute('aria-label',
      `${theme === 'dark' ? 'Light' : 'Dark'} theme`);
}

// --- What the server pushes -------------------------------------------------

const kRedrawEvery = 500;
// So long a list of choices that somebody touched stays as it is: drawn again it
// would close under the hand.
const kChoosing = 6000;
const redraw = {last: 0, timer: 0, held: 0};
// Many events come together: they are drawn together, and only if seen.
function drawSoon() {
  if (redraw.timer || document.hidden) return;
  redraw.timer = setTimeout(() => {
    redraw.timer = 0;
    redraw.last = Date.now();
    draw();
  }, Math.max(0, redraw.last + kRedrawEvery - Date.now(),
      redraw.held - Date.now()));
}
function holdForChoice(event) {
  if (event.target.tagName === 'SELECT') redraw.held = Date.now() + kChoosing;
}

function setConnection(is_open) {
  app.connected = is_open;
  byId('connection').replaceChildren(is_open ?
    h('span', {class: 'badge good'}, 'live') :
    h('span', {class: 'badge warn', title: 'What is shown is what came before'},
        'disconnected, trying again'));
}

function connect() {
  const source = new EventSource('events' + location.search);
  source.onopen = () => setConnection(true);
  source.onmessage = event => {
    const {index, reset, run} = JSON.parse(event.data);
    if (reset) delete app.runs[index];
    takeRun(index, run);
    drawSoon();
  };
  source.onerror = () => {
    setConnection(false);
    // It tries again by itself, unless it was refused.
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 3000);
  };
}

function start() {
  const system = matchMedia('(prefers-color-scheme: dark)');
  setTheme(system.matches ? 'dark' : 'light');
  system.addEventListener('change', () => {
    setTheme(system.matches ? 'dark' : 'light');
    draw();
  });
  byId('theme').addEventListener('click', () => {
    setTheme(isDark() ? 'light' : 'dark');
    draw();
  });
  addEventListener('hashchange', () => {
    draw();
    scrollTo(0, 0);
  });
  addEventListener('pointerdown', holdForChoice, true);
  addEventListener('keydown', holdForChoice, true);
  addEventListener('change', () => redraw.held = 0, true);
  const data = JSON.parse(byId('data').textContent);
  data.runs.forEach((run, i) => takeRun(i, run));
  draw();
  if (data.live) connect();
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) draw();
  });
}
start();
