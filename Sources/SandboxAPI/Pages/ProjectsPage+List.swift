extension ProjectsPage {
    /// The list of projects, the form for a new one, and the streams of those jobs that are not on show.
    static let listScript = #"""
        const projects = new Map(), rows = new Map(), others = new Map();
        let wanted = 50, here = { project: null }, jobs = [];
        const isActive = state => state === 'queued' || state === 'in_progress';
        function row(project) {
          const state = badge(project.status), what = el('span.what', 0, project.instruction);
          const link = el('a', { href: ref(project.id) },
            el('span.row', 0, state, el('span.dim', 0, time(project.created_at))), what);
          return { item: el('li', 0, link), link, state };
        }
        function showProject(project) {
          projects.set(project.id, project);
          const known = rows.get(project.id);
          if (known) setBadge(known.state, project.status);
        }
        function mark() {
          rows.forEach((one, id) => {
            one.link.ariaCurrent = id === here.project ? 'page' : null;
          });
        }
        /* What stands where it belongs is not touched, so that nobody loses the focus. */
        function place(parent, elements) {
          elements.forEach((element, index) => {
            if (parent.children[index] !== element) parent.insertBefore(element, parent.children[index] || null);
          });
          while (parent.children.length > elements.length) parent.lastChild.remove();
        }
        async function loadList() {
          const page = await json(api + '/projects/?limit=' + wanted);
          const kept = page.projects.map(project => {
            if (!rows.has(project.id)) rows.set(project.id, row(project));
            showProject(project);
            return project.id;
          });
          for (const id of [...rows.keys()]) if (!kept.includes(id)) { rows.delete(id); projects.delete(id); }
          fill($('listFault'));
          $('count').textContent = page.total ? '(' + page.total + ')' : '';
          $('more').hidden = !page.next || wanted >= 1000;
          place($('list'), kept.length ? kept.map(id => rows.get(id).item)
            : [el('li', 0, empty('No projects yet. Write above what shall be made, or in a shell:', '-X POST ' + home +
              `/projects/ -H 'Content-Type: application/json' -d '{"instruction": "Generate a minimal Python CLI project"}'`))]);
          mark();
          followOthers();
        }
        async function refreshList() {
          try { await loadList(); } catch (fault) { fill($('listFault'), faultBox(fault)); }
        }
        async function refreshProject(id) {
          try { showProject(await json(projectPath(id))); }
          catch (fault) { if (fault.status === 404) refreshList(); }
        }
        /* A browser gives one host six connections: one stream is the job's on show, two are for the rest. */
        async function followOthers() {
          const active = jobs.filter(job => isActive(job.status) && job.id !== here.job)
            .map(job => [job.project_id, job.id]).slice(0, 1);
          for (const project of projects.values()) {
            if (active.length + others.size >= 3) break;
            if (!isActive(project.status) || project.id === here.project) continue;
            if ([...others.values()].some(one => one.project === project.id)) continue;
            try {
              const found = (await json(path(project.id, '/jobs?limit=1000'))).jobs.find(job => isActive(job.status));
              if (found) active.push([project.id, found.id]);
            } catch (fault) { /* asked again with the next look at the list */ }
          }
          for (const [project, job] of active) {
            if (others.has(job) || others.size >= 2 || job === here.job) continue;
            const stop = new AbortController();
            others.set(job, { project, stop });
            follow(project, job, stop.signal, (type, data) => {
              if (type === 'state') jobChanged(project, job, data.status, data.reason);
            }).finally(() => { others.delete(job); followOthers(); });
          }
        }
        const rank = state => state === 'queued' ? 0 : isActive(state) ? 1 : 2;
        /* From a stream, which also tells what was before: states only go on. Whether it is news. */
        function jobChanged(project, job, state, reason) {
          const known = jobs.find(one => one.id === job), entry = projects.get(project);
          if (known && rank(known.status) >= rank(state)) return false;
          if (known) {
            known.status = state;
            drawJobs();
          }
          if (known || !isActive(state)) {
            say('Job of “' + (entry ? entry.instruction.slice(0, 60) : project) + '”: ' + words(state) +
              (reason ? ' (' + reason + ')' : ''));
          }
          refreshProject(project);
          return true;
        }
        async function loadPolicies() {
          const found = await json(api + '/policies');
          fill($('policy'));
          list(found.policies).forEach(policy => {
            $('policy').append(el('option', { value: policy.default ? '' : policy.name,
              title: policy.usable === false ? policy.reason : policy.description,
              disabled: !policy.usable && !policy.default, selected: policy.default },
              policy.name + (policy.default ? ' (the server\'s own)' : '')));
          });
        }
        on('create', 'submit', event => {
          event.preventDefault();
          act($('create').querySelector('button'), $('createFault'), async () => {
            const body = { instruction: $('text').value };
            if ($('policy').value) body.policy = $('policy').value;
            const project = await post(api + '/projects/', body);
            $('text').value = '';
            say('Project created');
            refreshList();
            location.hash = ref(project.id);
          });
        });
        on('more', 'click', () => { wanted = Math.min(wanted * 4, 1000); refreshList(); });

        """#
}
