extension ProjectsPage {
    /// Elements and text.
    ///
    /// What comes from elsewhere goes through `shown`: characters that are not to be seen, or that turn their
    /// neighbours around, stand there as their numbers.
    static let textScript = #"""
        const enc = encodeURIComponent;
        const $ = id => document.getElementById(id);
        const list = value => Array.isArray(value) ? value : [];
        const unseen = /(?:(?![\t\n\uFE0F])[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{DI}])+/gu;
        const keys = { '\r': '\\r', '\0': '\\0', '\x1b': '\\e' };
        const number = one => keys[one] || '\\u{' + one.codePointAt(0).toString(16).toUpperCase() + '}';
        function shown(text) {
          const all = document.createDocumentFragment();
          let at = 0, marks = 0;
          text = String(text);
          for (const found of text.matchAll(unseen)) {
            const mark = document.createElement('span');
            mark.className = 'esc';
            mark.textContent = Array.from(found[0], number).join('');
            all.append(text.slice(at, found.index), ++marks < 2000 ? mark : mark.textContent);
            at = found.index + found[0].length;
          }
          all.append(text.slice(at));
          return all;
        }
        /* `tag.class`, attributes that this script gives, and pieces: each that is no node becomes text, whatever it is. */
        function el(name, attributes, ...pieces) {
          const [tag, ...classes] = name.split('.'), element = document.createElement(tag);
          if (classes.length) element.className = classes.join(' ');
          for (const [key, value] of Object.entries(attributes || {})) {
            if (typeof value === 'function') element.addEventListener(key, value);
            else if (![null, undefined, false].includes(value)) element.setAttribute(key, value === true ? '' : value);
          }
          return add(element, pieces);
        }
        function add(element, pieces) {
          for (const piece of pieces.flat()) if (piece) element.append(piece instanceof Node ? piece : shown(piece));
          return element;
        }
        function fill(element, ...pieces) { element.replaceChildren(); add(element, pieces); }
        function on(id, type, work) { $(id).addEventListener(type, work); }
        const ref = (project, rest) => '#/p/' + enc(project) + (rest || '');
        const button = (label, kind, click) => el('button.' + kind, { type: 'button', click }, label);
        const region = (label, words) => el('pre', { tabindex: '0', role: 'region', 'aria-label': label }, words);
        const table = (caption, heads, body, id) => el('table', { id }, el('caption.out', 0, caption),
          el('thead', 0, el('tr', 0, heads.map(one => el('th', { scope: 'col' }, one)))), body);
        const words = state => String(state).replace(/_/g, ' ');
        const badge = (state, kind) => el('span.state.' + (kind ||
          { completed: 'good', error: 'bad', in_progress: 'busy' }[state] || 'idle'), 0, words(state));
        function setBadge(element, state) {
          const fresh = badge(state);
          element.className = fresh.className;
          element.textContent = fresh.textContent;
        }
        /* Times of the API have no zone and are UTC. */
        function time(text, whole) {
          if (!text) return '–';
          const when = new Date(/Z$/.test(text) ? text : text + 'Z');
          if (isNaN(when)) return text;
          const today = !whole && when.toDateString() === new Date().toDateString();
          return el('time', { datetime: when.toISOString(), title: when.toString() },
            today ? when.toLocaleTimeString() : when.toLocaleString());
        }
        function span(microseconds) {
          if (microseconds < 1e6) return Math.round(microseconds / 1e3) + ' ms';
          return microseconds < 6e7 ? (microseconds / 1e6).toFixed(1) + ' s' : Math.round(microseconds / 6e7) + ' min';
        }
        function size(bytes) {
          return bytes < 1024 ? bytes + ' B' : bytes < 1048576 ? (bytes / 1024).toFixed(1) + ' KiB' :
            (bytes / 1048576).toFixed(1) + ' MiB';
        }
        const curl = rest => region('Command', 'curl ' + rest);
        const empty = (text, command) => el('div.empty', 0, el('p', 0, text), command && curl(command));
        function terms(pairs) {
          return el('dl', 0, pairs.filter(([, value]) => value).flatMap(([key, value]) =>
            [el('dt', 0, key), el('dd', 0, value)]));
        }
        const say = text => fill($('live'), text);

        """#
}
