'use strict';
// Elements, numbers, colours: what every view needs. Text from the log reaches
// the page as text nodes and attribute values only, never as markup.

// h('p', {class: 'note'}, 'text', otherElement): an element.
function h(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}
// The same for SVG.
function s(tag, attributes, ...children) {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', tag),
      attributes, children);
}
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === false || value == null) continue;
    if (name.startsWith('on')) {
      element.addEventListener(name.slice(2), value);
    } else {
      element.setAttribute(name, value === true ? '' : value);
    }
  }
  element.append(...children.flat(Infinity).filter(
      child => child !== null && child !== undefined && child !== false));
  return element;
}

// --- Numbers ----------------------------------------------------------------

const isNumber = value => typeof value === 'number' && isFinite(value);
const percent = (share, digits = 1) =>
    isNumber(share) ? (100 * share).toFixed(digits) + ' %' : '–';
const decimals = (value, digits = 3) =>
    isNumber(value) ? value.toFixed(digits) : '–';
const whole = value =>
    isNumber(value) ? value.toLocaleString('en-US') : '–';
function significant(value, digits = 3) {
  if (!isNumber(value)) return '–';
  const text = value.toPrecision(digits);
  return text.includes('e') ? text : String(Number(text));
}
function bytes(value) {
  if (!isNumber(value)) return '–';
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    ++unit;
  }
  return (unit === 0 ? value : value.toPrecision(3)) + ' ' + units[unit];
}
function duration(seconds) {
  if (!isNumber(seconds)) return '–';
  if (seconds < 10) return seconds.toFixed(1) + ' s';
  const all = Math.round(seconds);
  if (all < 60) return all + ' s';
  if (all < 3600) return Math.floor(all / 60) + ' min ' + all % 60 + ' s';
  return Math.floor(all / 3600) + ' h ' + Math.floor(all % 3600 / 60) + ' min';
}
const time = ms => ms > 0 ?
    new Date(ms).toISOString().slice(0, 19).replace('T', ' ') : '–';
// "12 s ago", kept true by tick() in a live page; a file says when.
const ago = ms => {
  const seconds = Math.max(0, Math.round((Date.now() - ms) / 1000));
  return (seconds < 10 ? seconds + ' s' : duration(seconds)) + ' ago';
};
const since = ms => app.live ?
    h('span', {'data-since': ms, title: time(ms) + ' UTC'}, ago(ms)) :
    time(ms) + ' UTC';
const last = list => list && list.length ? list[list.length - 1] : undefined;
const sum = list => (list || []).reduce((total, value) => total + value, 0);
function median(list) {
  const sorted = list.filter(isNumber).sort((a, b) => a - b);
  return sorted.length ? sorted[Math.floor((sorted.length - 1) / 2)] : NaN;
}
// The last value of a column that is there, and where.
function newest(column) {
  for (let i = (column || []).length - 1; i >= 0; --i) {
    if (isNumber(column[i])) return {value: column[i], index: i};
  }
  return {value: undefined, index: -1};
}

// --- Colours ----------------------------------------------------------------

// Okabe and Ito's palette, which people with any colour vision tell apart; a
// line also has its own dashes.
const kPalette = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9',
  '#d55e00', '#8c6bb1', '#a6a600'];
const kDarkPalette = ['#4a97dd', '#f0b030', '#2cc295', '#e29cc4', '#a8e0ff',
  '#ff8246', '#b79be0', '#d8d84a'];
const kDashes = [[], [7, 4], [2, 3], [9, 3, 2, 3], [14, 3], [4, 7],
  [9, 3, 2, 3, 2, 3], [1, 5]];
const isDark = () => document.documentElement.dataset.theme === 'dark';
const colour = index => (isDark() ? kDarkPalette : kPalette)[
  index % kPalette.length];
const dashes = index => kDashes[index % kDashes.length];
const cssColour = name => getComputedStyle(document.documentElement)
    .getPropertyValue(name).trim();
// From nothing to all of one hue, readable on both themes.
function heat(share) {
  const at = Math.max(0, Math.min(1, isNumber(share) ? share : 0));
  const [from, to] = isDark() ? [[25, 33, 42], [86, 180, 233]] :
    [[255, 255, 255], [0, 99, 166]];
  const part = from.map((low, i) => Math.round(low + (to[i] - low) * at));
  const luma = (0.3 * part[0] + 0.59 * part[1] + 0.11 * part[2]) / 255;
  return {fill: `rgb(${part.join(' ')})`,
    ink: luma > 0.55 ? '#10151b' : '#ffffff'};
}

// --- Files ------------------------------------------------------------------

function save(name, blob) {
  const link = h('a', {href: URL.createObjectURL(blob), download: name});
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
// Fields that a spreadsheet would take for a formula begin with a quote.
function csvField(value) {
  if (value == null || (typeof value === 'number' && !isFinite(value))) {
    return '';
  }
  let text = String(value);
  if (typeof value === 'string' && /^[=+\-@\t\r]/.test(text)) {
    text = '\'' + text;
  }
  return /[",\n\r]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
}
function saveCsv(name, header, rows) {
  const text = [header, ...rows].map(row => row.map(csvField).join(','))
      .join('\n') + '\n';
  save(name + '.csv', new Blob([text], {type: 'text/csv'}));
}
const fileName = text => text.toLowerCase().replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '') || 'chart';
