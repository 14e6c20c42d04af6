extension ProjectsPage {
    /// The records of launches (docs/evidence.md), for people: which layer was seen to be in force, and by whom.
    ///
    /// `launches`: start and outcome of each, the newest first, and how many lines are no whole records. `layerBox`: what is inside
    /// is made when it is opened, for there are some hundred observations of each launch. `chainBox`: where the line before has no
    /// link, a digest is from the last on that has (`LinkedStretch`). The link of a version before that, and half a
    /// character, whose bytes a page does not know, are left to `evidence verify`.
    static let evidenceScript = #"""
        function asText(value) {
          return typeof value !== 'object' ? String(value ?? '') : value === null ? '' :
            value.text ?? JSON.stringify(value);
        }
        function launches(lines) {
          const all = new Map();
          let damaged = 0;
          for (const line of lines.split('\n').filter(Boolean)) {
            try {
              const { predicate, predicateType } = JSON.parse(line), id = predicate.launchId;
              const one = all.get(id) || { id }, kind = predicateType.split(':')[2];
              if (kind === 'launch-start' || kind === 'launch-refused') one.start = predicate;
              if (kind === 'launch-outcome' || kind === 'launch-refused') one.end = predicate;
              if (id) all.set(id, one);
            } catch (fault) { damaged += 1; }
          }
          return { all: [...all.values()].reverse(), damaged };
        }
        function verdict(layer, atEnd) {
          const word = atEnd || layer.enforcement;
          const differs = list(layer.observations).some(one => !one.agrees);
          if (word === 'failed' || differs) return ['refused', 'bad'];
          if (!word) return layer.installed ? ['installed, not verified', 'warn'] : ['not reached', 'idle'];
          if (word === 'enforced') return list(layer.verifiedBy).length ? ['verified', 'good'] : ['enforced', 'idle'];
          return [word, word === 'degraded' ? 'warn' : 'idle'];
        }
        const observers = { outside: 'from outside', 'self-reported': 'by the process itself',
          'refused-act': 'by a refused act' };
        function observations(layer, isBad) {
          const seen = list(layer.observations), missing = list(layer.missing);
          const by = list(layer.verifiedBy).map(one => observers[one] || one).join(', ');
          return [el('p', 0, by ? 'Verified ' + by + '.' : isBad ? 'What was found is not what was planned.'
              : seen.length ? 'Not verified.' : 'Nothing of it can be observed before the worker starts.'),
            missing.length && el('p.warn', 0, 'Not in force: ' + missing.map(asText).join('; ')),
            seen.length && table('Observations', ['Observed', 'Found', 'Observer'],
              el('tbody', 0, seen.map(one => el('tr', 0,
              el('th', { scope: 'row' }, one.field),
              el(one.agrees ? 'td' : 'td.bad', 0, asText(one.found),
                !one.agrees && el('div', 0, 'expected: ' + asText(one.expected))),
              el('td', 0, observers[one.observer] || one.observer)))))];
        }
        function layerBox(layer, atEnd) {
          const [word, kind] = verdict(layer, atEnd), inner = el('div'), isBad = kind === 'bad';
          const toggle = () => inner.firstChild || fill(inner, observations(layer, isBad));
          return el('details', { open: isBad, toggle }, el('summary', 0,
            badge(word, kind), el('b', 0, layer.layer), ' ', el('span.dim', 0, layer.mechanism)), inner);
        }
        function refusalBox(refusal) {
          const errno = refusal.errno;
          return el('div.fault', 0, el('p', 0, el('b.bad', 0, 'Refused: '), asText(refusal.message)),
            terms(['stage', 'step', 'subject', 'layer', 'remedy'].map(key => [key, asText(refusal[key])])
              .concat([['errno', errno && errno.name + ' (' + errno.number + ')']])));
        }
        function ending(end) {
          const outcome = end.outcome || {}, { word, signal } = outcome;
          return word === 'exited' ? 'exited with ' + outcome.exitCode :
            word + (signal ? ' by ' + asText(signal.name) : '');
        }
        function launchBox(launch) {
          const start = launch.start || {}, end = launch.end || {}, layers = list(start.layers), counts = new Map();
          const times = end.times || start.times || {}, atEnd = end.enforcement || {}, isOver = Boolean(launch.end);
          layers.forEach(layer => {
            const [word] = verdict(layer, atEnd[layer.layer]);
            counts.set(word, (counts.get(word) || 0) + 1);
          });
          return el('section.launch', 0, el('h4', 0, 'Launch ', el('code', 0, launch.id)),
            terms([['Began', time(times.started, true)],
              ['Ended', isOver ? ending(end) + (times.wallMicroseconds ? ' after ' + span(times.wallMicroseconds) : '') :
                'not yet, or nobody recorded it'],
              ['Policy', start.policy?.digest && el('code', 0, 'sha256:' + asText(start.policy.digest.sha256))],
              ['Layers', layers.length + ': ' + [...counts].map(([word, count]) => count + ' ' + word).join(', ')],
              ['Worker ran', end.execveReached === false && 'no, not one instruction of it']]),
            end.outcome?.refusal && refusalBox(end.outcome.refusal),
            [['protectionEvents', 'A protection changed while it ran: '],
              ['planted', 'It left what tools of the host may obey: '], ['unseen', 'Not looked into: ']].map(([key, words]) =>
              list(end[key]).length && el('p.warn', 0, words + end[key].map(asText).join('; '))),
            layers.map(layer => layerBox(layer, atEnd[layer.layer])).sort((one, other) => other.open - one.open));
        }
        function evidenceBoxes(lines, none) {
          const { all, damaged } = launches(lines), most = 50;
          return [all.length ? all.slice(0, most).map(launchBox) : el('p.dim', 0, none),
            all.length > most && el('p.dim', 0, 'The newest ' + most + ' of ' + all.length + '.'),
            damaged && el('p.warn', 0, damaged + ' line(s) not written whole, because a launcher was killed (then it ' +
              'did not run, or its end was not recorded), or because the file was cut: codex-sandbox evidence verify.')].flat();
        }
        const hex = async text => [...new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))]
          .map(one => one.toString(16).padStart(2, '0')).join('');
        const linked = /^{[^{]+{("arguments":\[("([^"\\]|\\.)*"|[^"\]])*\],)?"chain":{"previous":"(\w+)"/;
        async function chainBox(lines) {
          const all = lines.split('\n').filter(Boolean);
          if (all.length < 2) return null;
          if (!crypto.subtle) return el('p.dim', 0,
            'Not recomputed here: browsers do that for https and localhost only.');
          let before = [], index = 0;
          for (const line of all) {
            const link = linked.exec(line)?.[4];
            if (index++ && link && link !== await hex(before.join('\n'))) return el('p', 0, badge('broken', 'bad'), ' Record ' + index + ' does not name the digest before it.');
            before = link ? [line] : [...before, line];
          }
          return el('p', 0, badge('whole', 'good'), ' ' + all.length +
            ' lines, each record with the digest before it. Signatures: codex-sandbox evidence verify.');
        }

        """#
}
