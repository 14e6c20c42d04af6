extension ProjectsPage {
    /// The files of a workspace, one of them as text, the plan and all records.
    static let filesScript = #"""
        const textLimit = 200000, filesAtOnce = 500;
        const encoded = file => file.encoded_path || file.path.split('/').map(enc).join('/');
        const cut = (value, whole) => value.length > textLimit &&
          el('p.warn', 0, 'The first ' + textLimit + ' of ' + value.length + ' characters. ' + whole);
        function fileList(project, found, open) {
          const files = list(found.files), fault = el('div'), rest = el('p.dim'), all = el('ul.files');
          function draw(sought) {
            const fit = files.filter(file => file.path.toLowerCase().includes(sought));
            fill(all, fit.slice(0, filesAtOnce).map(file => {
              const target = encoded(file);
              return el('li', 0, el('a', {
                href: ref(project, '/file/' + target), 'aria-current': target === open && 'page'
              }, file.path), el('span.size', 0, size(file.size)));
            }));
            fill(rest, fit.length > filesAtOnce ? filesAtOnce + ' of ' + fit.length + ' shown' : '',
              found.truncated ? ' The list is cut.' : '');
          }
          draw('');
          const box = el('section', 0, el('h3', 0, 'Files'));
          if (files.length > 20) {
            const field = el('input', { type: 'search', input: () => draw(field.value.toLowerCase()) });
            box.append(el('label', 0, 'Find a file ', field));
          }
          if (!files.length) {
            box.append(empty('No files yet. Put one here:', '-T FILE ' + location.origin + path(project, '/raw/NAME')));
          }
          box.append(all, rest, fault, downloadButton('Download all (tar)', path(project, '/archive'),
            project + '.tar', fault));
          return box;
        }
        async function fileView(project, target) {
          const box = el('section'), fault = el('div');
          const back = el('p.back', 0, el('a', { href: ref(project, '/files') }, '← All files'));
          let name = target;
          /* What is not UTF-8 is shown as it stands in the address. */
          try { name = decodeURIComponent(target); } catch (error) { }
          box.append(back, el('h3', { tabindex: '-1', id: 'focus' }, name));
          try {
            const file = await json(path(project, '/files/' + target));
            if (file.lossy) box.append(el('p.warn', 0, 'Not all of it is UTF-8; � stands for what is not.'));
            box.append(cut(file.contents, 'The download has all.') || '',
              file.contents ? region('Contents of the file', file.contents.slice(0, textLimit)) :
                el('p.dim', 0, 'The file is empty.'));
          } catch (error) { box.append(faultBox(error)); }
          box.append(fault, downloadButton('Download', path(project, '/raw/' + target), name.split('/').pop(), fault));
          return box;
        }
        async function filesTab(project, open) {
          const found = await json(path(project, '/files'));
          return el(open ? 'div.both' : 'div', 0, fileList(project, found, open),
            open && await fileView(project, open));
        }
        async function planTab(project) {
          const words = await text(path(project, '/plan'));
          return el('section', 0, el('h3', 0, 'What the next launch will do'),
            region('The plan', words.slice(0, textLimit)),
            cut(words, 'The rest: curl ' + location.origin + path(project, '/plan')));
        }
        async function evidenceTab(project) {
          const lines = await text(path(project, '/evidence')), fault = el('div');
          return el('section', 0, el('h3', 0, 'Records of all launches'), await chainBox(lines),
            fault, downloadButton('Download the records', path(project, '/evidence'), project + '.jsonl', fault),
            evidenceBoxes(lines, 'No launch has been recorded yet. Each job leaves its records here.'));
        }
        function changeBoxes(found) {
          const changes = list(found.changes);
          if (!changes.length) return [el('p.dim', 0, 'No file was changed.')];
          let room = 4000;
          const boxes = changes.slice(0, filesAtOnce).map(change => {
            const isOpen = room > 0 && changes.length <= 20, inner = region('Difference of ' + change.path);
            const lines = change.difference ? change.difference.replace(/\n$/, '').split('\n') : [];
            lines.slice(0, Math.max(room, 0)).forEach((line, index) => {
              const isHead = index < 2 && /^(---|\+\+\+) /.test(line);
              inner.append(el('span.' + (!isHead && { '+': 'add', '-': 'del', '@': 'note' }[line[0]] || 'same'), 0,
                line || ' '));
            });
            const left = lines.length - Math.max(room, 0);
            if (left > 0) inner.append(el('span.note', 0, '… ' + left + ' more lines'));
            room -= lines.length;
            return el('details', { open: isOpen }, el('summary', 0, el('b', 0, change.kind), ' ', change.path),
              el('div', 0, lines.length ? inner :
                el('p.dim', 0, 'No difference is kept: it is no text, or too large.')));
          });
          if (found.truncated || changes.length > boxes.length) {
            boxes.push(el('p.warn', 0, 'There are more changes than are listed.'));
          }
          return boxes;
        }

        """#
}
