extension ProjectsPage {
    /// Requests with the token, errors with their words and their number, and event streams that come back.
    static let clientScript = #"""
        const api = document.querySelector('meta[name=api-prefix]').content;
        const home = location.origin + api;
        let token = null;
        try { token = sessionStorage.getItem('api-token'); } catch (fault) { /* kept in this page only */ }
        function keep(value) {
          token = value;
          $('forget').hidden = !value;
          try {
            if (value) sessionStorage.setItem('api-token', value); else sessionStorage.removeItem('api-token');
          } catch (fault) { /* kept in this page only */ }
        }
        const path = (project, rest) => api + '/' + enc(project) + (rest || '');
        const projectPath = project => api + '/projects/' + enc(project);
        const jobPath = (project, job, rest) => path(project, '/jobs/' + enc(job) + (rest || ''));
        class Fault extends Error {
          constructor(status, message, id) { super(message); this.status = status; this.id = id; }
        }
        async function faultOf(answer) {
          let body = {};
          try { body = JSON.parse(await answer.text()) || {}; } catch (fault) { /* no JSON: the status says it */ }
          let detail = body.detail || '';
          if (Array.isArray(detail)) {
            detail = detail.map(one => list(one.loc).slice(1).join('.') + ': ' + one.msg).join('; ');
          }
          return new Fault(answer.status,
            answer.status + ' ' + (body.message || answer.statusText) + (detail && ': ' + detail),
            body.correlation_id || answer.headers.get('x-request-id'));
        }
        /* An answer that is a success; everything else is thrown as a Fault. */
        async function call(target, options) {
          const wanted = { cache: 'no-store', headers: {}, ...options }, sent = token;
          if (token) wanted.headers.Authorization = 'Bearer ' + token;
          let answer;
          try {
            answer = await fetch(target, wanted);
          } catch (fault) { throw new Fault(0, 'The server cannot be reached. Does it run?'); }
          if (answer.ok) return answer;
          if (answer.status === 401 && sent === token) askToken();
          throw await faultOf(answer);
        }
        const json = async (target, options) => (await call(target, options)).json();
        const text = async (target, options) => (await call(target, options)).text();
        function post(target, body) {
          const headers = { Prefer: 'respond-async', 'Content-Type': 'application/json' };
          return json(target, { method: 'POST', headers, body: body && JSON.stringify(body) });
        }
        function faultBox(fault) {
          return el('div.fault', { role: 'alert' }, el('p.bad', 0, fault.message || String(fault)),
            fault.id && el('p.dim', 0, 'Request ', el('code', 0, fault.id), ' in the server\'s log'));
        }
        /* Runs something for a button, which does nothing meanwhile but keeps the focus, and shows what went wrong. */
        async function act(button, place, work) {
          if (button.ariaBusy) return;
          button.ariaBusy = 'true';
          fill(place);
          try { await work(); } catch (fault) { fill(place, faultBox(fault)); }
          button.ariaBusy = null;
        }
        function askToken() {
          const isNew = $('login').hidden;
          $('login').hidden = false;
          $('page').hidden = true;
          $('refused').hidden = !token;
          if (isNew) $('token').focus();
        }
        /* A plain link could not send the token. */
        function downloadButton(label, target, name, place) {
          const one = button(label, 'plain', () => act(one, place, async () => {
            const url = URL.createObjectURL(await (await call(target)).blob());
            el('a', { href: url, download: name }).click();
            setTimeout(() => URL.revokeObjectURL(url), 60000);
          }));
          return el('p', 0, one);
        }
        const pause = milliseconds => new Promise(done => setTimeout(done, milliseconds));
        const longestEvent = 16 << 20;
        /* One connection's events (HTML standard, 9.2.6); `seen` is told of each. Ends with the connection. */
        async function readEvents(answer, alive, seen) {
          const reader = answer.body.getReader(), decoder = new TextDecoder();
          let rest = '';
          for (;;) {
            alive();
            const piece = await reader.read();
            if (piece.done) return;
            rest += decoder.decode(piece.value, { stream: true });
            const blocks = rest.replace(/\r\n/g, '\n').split('\n\n');
            rest = blocks.pop();
            if (rest.length > longestEvent) throw new Fault(0, 'An event was too long.');
            for (const block of blocks) {
              const event = {};
              for (const line of block.split('\n')) {
                const [, key, value] = /^(id|event|data): ?(.*)$/.exec(line) || [];
                if (key) event[key] = key === 'data' && event.data ? event.data + '\n' + value : value;
              }
              if (event.data) seen(event.event, JSON.parse(event.data), event.id);
            }
          }
        }
        /* Follows a job until its end. A lost connection comes back behind the last event, each time a little later; a page
           that nobody looks at has none, because a browser has few for all its tabs. */
        async function follow(project, job, signal, seen, link) {
          let last = null, wait = 500, over = false;
          while (!over && !signal.aborted) {
            if (document.hidden) {
              await pause(500);
              continue;
            }
            const stop = new AbortController();
            const end = () => { if (document.hidden || signal.aborted) stop.abort(); };
            let timer;
            const alive = () => {
              clearTimeout(timer);
              timer = setTimeout(() => stop.abort(), 45000);
            };
            document.addEventListener('visibilitychange', end);
            signal.addEventListener('abort', end);
            try {
              const headers = { Accept: 'text/event-stream' };
              if (last) headers['Last-Event-ID'] = last;
              const answer = await call(jobPath(project, job, '/events'), { headers, signal: stop.signal });
              if (link) link(true);
              await readEvents(answer, alive, (type, data, id) => {
                if (signal.aborted) return;
                if (id) last = id;
                wait = 500;
                if (type === 'end') over = true;
                seen(type, data);
              });
            } catch (fault) {
              if (fault.status >= 400 && fault.status < 500 && fault.status !== 429) return;
            } finally {
              clearTimeout(timer);
              document.removeEventListener('visibilitychange', end);
              signal.removeEventListener('abort', end);
            }
            if (over || signal.aborted) return;
            if (link) link(false);
            await pause(wait * (0.75 + Math.random() / 2));
            wait = Math.min(wait * 2, 15000);
          }
        }

        """#
}
