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

// The links stay: one that has the focus keeps it.
function drawTabs(now) {
  const tabs = byId('tabs');
  if (tabs.children.length === 0) {
    tabs.append(...kViews.map(([id, title]) => h('li', {},
        h('a', {href: '#' + id}, title))));
  }
  for (const tab of tabs.querySelectorAll('a')) {
    const is_new = tab.hash === '#' + now && !tab.hasAttribute('aria-current');
    if (tab.hash !== '#' + now) tab.removeAttribute('aria-current');
    if (!is_new) continue;
    tab.setAttribute('aria-current', 'page');
    const nav = tabs.parentElement;
    nav.scrollLeft = tab.offsetLeft - (nav.clientWidth - tab.offsetWidth) / 2;
  }
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
      kept.place.clear();
      draw();
    }}, app.runs.map((one, i) => h('option',
        {value: i, selected: i === app.chosen}, runLabel(one)))));
}

function drawState(run) {
  const {phase, reason} = run.state;
  const silent = isSilent(run);
  const level = phase === 'finished' ? 'good' :
    phase === 'running' && !silent ? '' : 'warn';
  const words = silent ? phase + ', but silent' : phase;
  // Read out when it changes, so not drawn again while it does not.
  if (byId('run-state').dataset.says !== words + reason) {
    byId('run-state').dataset.says = words + reason;
    byId('run-state').replaceChildren(
        h('span', {class: 'badge ' + level}, words),
        reason ? ' ' + reason : '');
  }
  byId('run-age').replaceChildren(...(run.state.last > 0 ? ['last event ',
    since(run.state.last),
    app.live ? ` (${time(run.state.last).slice(11)} UTC)` : ''] : []));
  shownSilent = silent;
}

// What changes with the time alone.
let shownSilent = false;
function tick() {
  for (const span of document.querySelectorAll('[data-since]')) {
    span.textContent = ago(Number(span.dataset.since));
  }
  const run = chosenRun();
  if (run && isSilent(run) !== shownSilent) drawSoon();
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

// A view that fails says so in its own place: what stood there is of another.
function drawn(title, view, run) {
  try {
    return view(run);
  } catch (error) {
    console.error(error);
    return card(title, {}, h('p', {class: 'notice'},
        `This view cannot be drawn: ${error.message}`));
  }
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
  const restore = remembered(main);
  // Charts come a frame later: until then the page keeps its height, so that it
  // does not scroll away from who reads it.
  main.style.minHeight = main.offsetHeight + 'px';
  endCharts();
  main.replaceChildren(run.revision === 0 ?
    h('p', {class: 'empty'}, 'The log holds no event yet.') :
    drawn(title, view, run));
  requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(
      () => main.style.minHeight = '')));
  restore();
}

// What a person has touched of a view that is drawn again: the focus, the caret
// in it, how far tables are scrolled sideways. Found again by their places.
function remembered(main) {
  const all = selector => [...main.querySelectorAll(selector)];
  const kFocusable = 'a, button, input, select, summary, [tabindex]';
  const focused = document.activeElement;
  const caret = focused && focused.selectionStart;
  const place = all(kFocusable).indexOf(focused);
  const aside = all('.scroll').map(table => table.scrollLeft);
  const is_same = main.dataset.view === location.hash;
  main.dataset.view = location.hash;
  return () => {
    if (!is_same) return;
    all('.scroll').forEach((table, i) => table.scrollLeft = aside[i] || 0);
    if (place < 0) return;
    const again = (focused.id && byId(focused.id)) || all(kFocusable)[place];
    if (!again || again.tagName !== focused.tagName) return;
    again.focus({preventScroll: true});
    if (typeof caret === 'number') again.setSelectionRange(caret, caret);
  };
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  byId('theme').textContent = theme === 'dark' ? 'Light' : 'Dark';
  byId('theme').setAttribute('aria-label',
      `${theme === 'dark' ? 'Light' : 'Dark'} theme`);
}

// --- What the server pushes -------------------------------------------------

// Milliseconds. A long run takes long to draw: most of the time is the reader's.
const kRedrawEvery = 500;
const kShareOfDrawing = 0.2;
// So long a list of choices that is open, or a chart over which somebody drags,
// stays as it is: drawn again it would be lost under the hand.
const kInHand = 6000;
const redraw = {next: 0, timer: 0, held: 0};
// Text that is selected is about to be copied; the state is drawn on.
function isSelecting() {
  const selection = getSelection();
  const is = !selection.isCollapsed &&
    byId('main').contains(selection.anchorNode);
  if (is) drawState(chosenRun());
  return is;
}
// Many events come together: they are drawn together, and only if seen.
function drawSoon() {
  if (redraw.timer || document.hidden) return;
  const wait = Math.max(redraw.next, redraw.held) - Date.now();
  redraw.timer = setTimeout(() => {
    redraw.timer = 0;
    if (Date.now() < redraw.held || isSelecting()) {
      redraw.next = Date.now() + kRedrawEvery;
      drawSoon();
      return;
    }
    const begin = Date.now();
    draw();
    const took = Date.now() - begin;
    redraw.next = Date.now() + Math.max(kRedrawEvery, took / kShareOfDrawing);
  }, Math.max(0, wait));
}
function holdInHand(event) {
  const pointer = event.type === 'pointerdown';
  if (event.target.closest('select') ||
      (pointer && event.target.closest('.u-over, input[type="range"]'))) {
    redraw.held = Date.now() + kInHand;
  }
}
function letGo() {
  redraw.held = 0;
}

function setConnection(is_open) {
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
    if (source.readyState === EventSource.CLOSED) askWhy();
  };
}

// An EventSource does not tell with which words it was refused.
async function askWhy() {
  let status = 0;
  try {
    const answer = await fetch('events' + location.search);
    status = answer.status;
    if (answer.ok) await answer.body.cancel();
    else sayRefused(status, await answer.text());
  } catch (error) {
    // No server: what stands there says so.
  }
  // A token does not become right by itself.
  if (status !== 401) setTimeout(connect, 3000);
}
function sayRefused(status, words) {
  byId('connection').replaceChildren(
      h('span', {class: 'badge bad'}, status === 401 ? 'refused' :
        'refused, trying again'), ' ' + words.trim());
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
    // What had the focus is gone with its view.
    if (document.activeElement === document.body) byId('main').focus();
  });
  // Its #main would be taken for a view.
  document.querySelector('.skip').addEventListener('click', event => {
    event.preventDefault();
    byId('main').focus();
  });
  addEventListener('pointerdown', holdInHand, true);
  addEventListener('keydown', holdInHand, true);
  addEventListener('change', letGo, true);
  addEventListener('pointerup', event => {
    if (!event.target.closest('select')) letGo();
  }, true);
  const data = JSON.parse(byId('data').textContent);
  app.live = Boolean(data.live);
  data.runs.forEach((run, i) => takeRun(i, run));
  draw();
  if (data.live) {
    connect();
    setInterval(tick, 1000);
  }
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) draw();
  });
}
start();
