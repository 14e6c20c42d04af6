extension ProjectsPage {
    /// The jobs of a project, and one of them with its output as it comes.
    static let jobScript = #"""
        const kinds = { initial_project: 'First job', edit: 'Edit job' }, logLimit = 200000;
        let jobRows = new Map(), addForm = null;
        async function allJobs(project) {
          let found = [], after = '';
          for (let page = 0; page < 20; page += 1) {
            const part = await json(path(project, '/jobs?limit=1000' + after));
            found = found.concat(part.jobs);
            if (!part.next) break;
            after = '&after=' + enc(part.next);
          }
          return found.reverse();
        }
        function drawJobs() {
          const body = $('jobs');
          if (!body) return;
          place(body, jobs.slice(0, 200).map(job => {
            let known = jobRows.get(job.id);
            if (!known) {
              const state = badge(job.status), wait = el('span.dim');
              const line = el('tr', 0, el('td', 0, state, wait),
                el('td', 0, el('a.what', { href: ref(job.project_id, '/j/' + enc(job.id)) }, job.instruction),
                  el('span.dim', 0, kinds[job.job_type] || job.job_type)),
                el('td', 0, time(job.created_at)));
              known = { line, state, wait };
              jobRows.set(job.id, known);
            }
            setBadge(known.state, job.status);
            known.wait.textContent = job.status === 'queued' && job.queue_position ? ' ' + job.queue_position + '.' :
              '';
            known.line.ariaCurrent = job.id === here.job ? 'true' : null;
            return known.line;
          }));
        }
        const jobTable = () => el('section', 0, el('h3', 0, 'Jobs'),
          table('Jobs, the newest first', ['State', 'Job', 'Made'], el('tbody', { id: 'jobs' }), 'jobTable'),
          jobs.length > 200 && el('p.dim', 0, 'The newest 200 of ' + jobs.length + '.'));
        /* Kept while one project is on show, with what was typed. */
        function editForm(project) {
          if (addForm && addForm.project === project) return addForm.form;
          const field = el('textarea', { id: 'edit', rows: '2', required: true,
            placeholder: 'Append a comment line to app.py …' });
          const fault = el('div'), send = el('button.first', 0, 'Run an edit job');
          const form = el('form.box', { submit: event => {
            event.preventDefault();
            act(send, fault, async () => {
              const job = await post(path(project, '/jobs'), { job_type: 'edit', instruction: field.value });
              field.value = '';
              say('Job added');
              location.hash = ref(project, '/j/' + enc(job.id));
            });
          } }, el('label', { 'for': 'edit' }, 'What shall be changed?'), field, fault, send);
          addForm = { project, form };
          return form;
        }
        /* Output as text, the end of it. Drawn ten times a second at most, however fast it comes. */
        function logWriter(pane, first) {
          const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
          let waiting = [], length = 0, timer = null;
          function draw() {
            timer = null;
            const follows = pane.scrollTop + pane.clientHeight >= pane.scrollHeight - 24;
            for (const [kind, words] of waiting) {
              pane.append(el('span.' + kind, { 'data-length': words.length }, words));
              length += words.length;
            }
            waiting = [];
            while (length > logLimit && pane.childElementCount > 1) {
              length -= Number(pane.firstElementChild.dataset.length);
              pane.firstElementChild.remove();
              first.hidden = false;
            }
            if (follows) pane.scrollTop = pane.scrollHeight;
          }
          function add(kind, words) {
            if (words.length > logLimit) first.hidden = false;
            if (words) waiting.push([kind, words.slice(-logLimit)]);
            if (waiting.length > 2000) draw();
            if (!timer) timer = setTimeout(draw, 100);
          }
          return (type, data) => {
            if (type === 'state') add('note', '— ' + words(data.status) + (data.reason ? ': ' + data.reason : '') +
              '\n');
            else if (type === 'dropped') add('note', '— ' + data.bytes + ' bytes of output were not kept\n');
            else if (type === 'worker') add('note', '— ' + JSON.stringify(data.event) + '\n');
            else if (decoders[type]) {
              const bytes = data.base64 === undefined ? new TextEncoder().encode(data.text)
                : Uint8Array.from(atob(data.base64), one => one.charCodeAt(0));
              add(type, decoders[type].decode(bytes, { stream: true }));
            }
          };
        }
        const jobFacts = job => terms([['State', badge(job.status)], ['Place in the queue', job.queue_position],
          ['Reason', job.reason], ['Summary', job.summary],
            ['Worker', job.worker && job.worker +
              (Number.isInteger(job.exit_status) ? ', exit status ' + job.exit_status : '')],
            ['Began', job.started_at && time(job.started_at)], ['Ended', job.ended_at && time(job.ended_at)],
            ['Job', el('code', 0, job.id)]]);
        async function jobBox(project, id, signal) {
          const target = jobPath(project, id), fault = el('div'), facts = el('div');
          const log = el('pre', { id: 'log', tabindex: '0', role: 'log', 'aria-live': 'off',
            'aria-label': 'Output of the job' });
          const first = el('p.warn', { hidden: true }, 'Only the end is shown.');
          const lost = el('span.warn', { hidden: true }, 'Connection lost; trying again.');
          const changes = el('div', { id: 'changes' }), evidence = el('div', { id: 'evidence' });
          const head = el('h3', { tabindex: '-1', id: 'focus' });
          const cancel = button('Cancel', 'danger', () => act(cancel, fault, async () => {
            say('Cancelling');
            try { await post(target + '/cancel'); } finally { await load(); }
          }));
          const again = button('Run again', 'plain', () => act(again, fault, async () => {
            location.hash = ref(project, '/j/' + enc((await post(target + '/rerun')).id));
          }));
          const instruction = el('p.text');
          let isOver = false;
          async function load() {
            const job = await json(target), active = isActive(job.status);
            fill(head, kinds[job.job_type] || job.job_type);
            fill(instruction, job.instruction);
            fill(facts, jobFacts(job));
            if (!active && document.activeElement === cancel) head.focus();
            cancel.hidden = isOver = !active;
            fill(changes, active ? el('p.dim', 0, 'Known when the job has ended.') :
              await json(target + '/changes', { headers: { Accept: 'application/json' } }).then(changeBoxes, faultBox));
            fill(evidence, await text(target + '/evidence').then(lines =>
              evidenceBoxes(lines, active ? 'Recorded when its sandbox stands.' :
                'No launch of this job is recorded.'), faultBox));
          }
          await load();
          say(head.textContent + ': ' + facts.querySelector('.state').textContent);
          const write = logWriter(log, first);
          follow(project, id, signal, (type, data) => {
            const isEnd = type === 'end';
            if (!isEnd) write(type, data);
            const isNews = type === 'state' && jobChanged(project, id, data.status, data.reason);
            if (isNews) setBadge(facts.querySelector('.state'), data.status);
            if (isNews && isActive(data.status) || isEnd && !isOver) {
              load().catch(error => fill(fault, faultBox(error)));
            }
            if (isEnd) followOthers();
          }, isOpen => { lost.hidden = isOpen; });
          return el('section', 0, head, instruction, facts, el('p.row', 0, cancel, again, lost), fault,
            el('h4', 0, 'Output ', el('span.dim', 0, '(stderr in italics)')), first, log,
            downloadButton('Download the output', target + '/logs', id + '.log', fault),
            el('h4', 0, 'What it changed'), changes, el('h4', 0, 'Evidence'), evidence);
        }

        """#
}
