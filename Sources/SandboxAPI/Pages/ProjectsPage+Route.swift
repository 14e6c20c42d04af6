extension ProjectsPage {
    /// What the address behind `#` names is on show; so every view can be linked to and gone back from.
    static let routeScript = #"""
        const title = document.title;
        let view = null;
        const addresses = /^#\/p\/([^\/]+)(?:\/(j|files|file|plan|evidence)(?:\/(.*))?)?$/;
        function welcome() {
          return el('section', 0, el('h2', { tabindex: '-1', id: 'top' }, 'Choose a project, or create one'),
            el('p', 0, 'A worker carries out each instruction inside a sandbox. It starts only when every layer was seen ' +
              'to be in force; what was seen is kept as evidence.'),
            el('p', 0, 'The same as an HTTP API:'), curl(home + '/projects/'));
        }
        function tabs(base, tab) {
          return el('nav.tabs', { 'aria-label': 'Parts of the project' },
            [['', 'Jobs'], ['/files', 'Files'], ['/plan', 'Plan'], ['/evidence', 'Evidence']].map(([part, name]) =>
              el('a', { href: base + part, 'aria-current': part === tab && 'page' }, name)));
        }
        const toList = () => el('p.back', 0, el('a', { href: '#/' }, '← All projects'));
        function projectHead(project) {
          const all = project.instruction, short = all.length > 140 ? all.slice(0, 140) + '…' : all;
          document.title = short.slice(0, 60) + ' · ' + title;
          return el('div', 0, toList(), el('h2', { tabindex: '-1', id: 'top' }, short),
            el('p.row.dim', 0, el('span', 0, 'Policy ', el('b', 0, project.policy || 'of the server')),
              el('span', 0, 'made ', time(project.created_at)), el('code', 0, project.id),
              button('Delete', 'danger', () => askRemoval(project))));
        }
        let removal = null;
        function askRemoval(project) {
          removal = project.id;
          fill($('askFault'));
          fill($('askText'), '“' + project.instruction.slice(0, 140) +
            '”, its files and its jobs go. Jobs that run are ended. The evidence stays.');
          $('ask').showModal();
          $('askNo').focus();
        }
        on('askNo', 'click', () => $('ask').close());
        on('askYes', 'click', () => act($('askYes'), $('askFault'), async () => {
          await call(projectPath(removal), { method: 'DELETE' });
          $('ask').close();
          say('Project deleted');
          location.hash = '#/';
          refreshList();
        }));
        async function show(isFirst) {
          view?.abort();
          view = new AbortController();
          const signal = view.signal, main = $('main'), found = addresses.exec(location.hash);
          document.body.className = found ? 'inside' : '';
          if (!found) {
            here = { project: null };
            jobs = [];
            document.title = title;
            mark();
            fill(main, welcome());
            if (!isFirst) $('top').focus();
            return;
          }
          main.ariaBusy = 'true';
          let rest = null;
          try {
            const id = decodeURIComponent(found[1]), tab = found[2] || 'j';
            rest = found[3];
            const [project, all] = await Promise.all([json(projectPath(id)), allJobs(id)]);
            if (signal.aborted) return;
            if (here.project !== id) jobRows = new Map();
            jobs = all;
            const job = tab !== 'j' ? null : rest ? decodeURIComponent(rest) : jobs.length ? jobs[0].id : null;
            here = { project: id, job };
            mark();
            if (others.has(job)) others.get(job).stop.abort();
            const body = tab === 'plan' ? await planTab(id) : tab === 'evidence' ? await evidenceTab(id)
              : tab !== 'j' ? await filesTab(id, tab === 'file' && rest)
              : el('div', 0, jobTable(), editForm(id), job && await jobBox(id, job, signal).catch(faultBox));
            if (signal.aborted) return;
            fill(main, projectHead(project), tabs(ref(id), { j: '', file: '/files' }[tab] ?? '/' + tab), body);
            drawJobs();
            followOthers();
          } catch (fault) {
            if (signal.aborted) return;
            fill(main, toList(), el('h2', { tabindex: '-1', id: 'top' }, 'That cannot be shown'), faultBox(fault));
          }
          main.ariaBusy = null;
          if (!isFirst) (rest && $('focus') || $('top')).focus();
        }
        async function ready() {
          try {
            await call('/readyz');
            $('ready').textContent = 'Ready to run jobs';
          } catch (fault) { fill($('ready'), fault.message); }
        }
        function start(isFirst) {
          keep(token);
          ready();
          loadPolicies().catch(fault => fill($('createFault'), faultBox(fault)));
          refreshList();
          show(isFirst);
        }
        on('login', 'submit', event => {
          event.preventDefault();
          keep($('token').value.trim());
          $('token').value = '';
          $('login').hidden = true;
          $('page').hidden = false;
          fill($('createFault'));
          start(false);
        });
        on('forget', 'click', () => { keep(null); location.reload(); });
        on('skip', 'click', event => { event.preventDefault(); $('main').focus(); });
        window.addEventListener('hashchange', () => show(false));
        setInterval(async () => {
          if (document.hidden || !$('login').hidden) return;
          ready();
          await refreshList();
          const project = here.project;
          if (!project || !$('jobs')) return;
          try {
            const found = await allJobs(project);
            if (here.project === project) { jobs = found; drawJobs(); followOthers(); }
          } catch (fault) { /* the list has said it */ }
        }, 10000);
        start(true);

        """#
}
