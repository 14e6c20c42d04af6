/// The page at `/docs`: shows the description, and tries the routes, without anything from elsewhere.
enum DocsPage {
    static func html(name: String) -> String {
        """
        <!doctype html>
        <html lang="en">
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>\(name): the API</title>
        %STYLE%
        <header>
        <h1>\(name)</h1>
        <p><a href="/">Home</a> · <a href="/openapi.json">openapi.json</a></p>
        <p class="row">
        <label>Token <input id="token" type="password" autocomplete="off" placeholder="only if the server has one"></label>
        <label>Search <input id="search" type="search"></label>
        </p>
        </header>
        <main id="routes"><p role="status">Loading…</p></main>
        <noscript><p>This page needs JavaScript; <a href="/openapi.json">the description</a> does not.</p></noscript>
        %SCRIPT%
        </html>
        """
    }

    static let style = """
        :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
        body { margin: 0 auto; max-width: 60rem; padding: 1rem; box-sizing: border-box; }
        .row { display: flex; flex-wrap: wrap; gap: 1rem; }
        label { display: block; margin: .5rem 0; }
        input, textarea, select { font: inherit; width: 100%; box-sizing: border-box; }
        textarea, pre, code { font-family: ui-monospace, monospace; font-size: .9rem; }
        textarea { min-height: 8rem; }
        button { font: inherit; padding: .4rem 1rem; }
        details { border: 1px solid color-mix(in srgb, currentColor 30%, transparent); border-radius: .4rem; margin: .5rem 0; }
        summary { padding: .5rem; cursor: pointer; overflow-wrap: anywhere; }
        details > div { padding: 0 .75rem .75rem; }
        pre { overflow: auto; max-height: 30rem; padding: .5rem; background: color-mix(in srgb, currentColor 8%, transparent); }
        .method { display: inline-block; min-width: 4.5rem; font-weight: bold; }
        .note { opacity: .85; }
        table { border-collapse: collapse; } td { padding: .1rem .75rem .1rem 0; vertical-align: top; }
        :focus-visible { outline: 3px solid Highlight; outline-offset: 2px; }
        """

    static let script = """
        (function () {
          'use strict';
          var description;
          function make(name, text, attributes) {
            var element = document.createElement(name);
            if (text) element.textContent = text;
            Object.keys(attributes || {}).forEach(function (key) { element.setAttribute(key, attributes[key]); });
            return element;
          }
          function resolved(schema) {
            if (!schema || !schema.$ref) return schema || {};
            return description.components.schemas[schema.$ref.split('/').pop()] || {};
          }
          function schemaText(schema) {
            var shown = [];
            function name(one) { if (one && one.$ref) return one.$ref.split('/').pop(); return null; }
            var top = name(schema);
            if (!top) return JSON.stringify(schema, null, 2);
            var wait = [top];
            while (wait.length) {
              var next = wait.shift();
              if (shown.indexOf(next) >= 0) continue;
              shown.push(next);
              JSON.stringify(description.components.schemas[next], function (key, value) {
                if (key === '$ref') wait.push(String(value).split('/').pop());
                return value;
              });
            }
            return shown.map(function (one) {
              return one + ' = ' + JSON.stringify(description.components.schemas[one], null, 2);
            }).join('\\n\\n');
          }
          function inputs(operation, box) {
            return (operation.parameters || []).map(function (parameter) {
              var label = make('label', parameter.name + ' (' + parameter.in + '): ' + (parameter.description || ''));
              var field;
              if (parameter.schema.enum) {
                field = make('select');
                [''].concat(parameter.schema.enum).forEach(function (word) {
                  field.append(make('option', word, { value: word }));
                });
              } else {
                field = make('input', '', { placeholder: String(parameter.schema.default === undefined ? '' : parameter.schema.default) });
              }
              label.append(field);
              box.append(label);
              return { parameter: parameter, field: field };
            });
          }
          function target(path, fields) {
            var query = [];
            fields.forEach(function (one) {
              var value = one.field.value, name = one.parameter.name;
              if (one.parameter.in === 'path') {
                var encoded = value.split('/').map(encodeURIComponent).join('/');
                path = path.replace('{' + name + '}', function () { return encoded; });
              }
              if (one.parameter.in === 'query' && value !== '') {
                query.push(encodeURIComponent(name) + '=' + encodeURIComponent(value));
              }
            });
            return path + (query.length ? '?' + query.join('&') : '');
          }
          async function show(answer, out, stop) {
            var headers = [];
            answer.headers.forEach(function (value, name) { headers.push(name + ': ' + value); });
            out.textContent = answer.status + ' ' + answer.statusText + '\\n' + headers.join('\\n') + '\\n\\n';
            if (!answer.body) return;
            var reader = answer.body.getReader(), decoder = new TextDecoder(), text = '', cut = false;
            for (;;) {
              var piece = await reader.read();
              // A character may lie across pieces, so each is decoded once; what is left at the end is half a one.
              var words = piece.done ? decoder.decode() : decoder.decode(piece.value, { stream: true });
              text += words;
              out.append(words);
              if (piece.done) break;
              if (text.length > 1000000) { cut = true; stop.abort(); break; }
            }
            if (!cut && (answer.headers.get('content-type') || '').startsWith('application/json')) {
              try { text = JSON.stringify(JSON.parse(text), null, 2); } catch (fault) { /* shown as it came */ }
            }
            out.textContent = answer.status + ' ' + answer.statusText + '\\n' + headers.join('\\n') + '\\n\\n' + text +
              (cut ? '\\n… cut' : '');
          }
          function trial(method, path, operation, box) {
            var form = make('form');
            var fields = inputs(operation, form);
            var content = operation.requestBody && operation.requestBody.content;
            var type = content && Object.keys(content)[0], area;
            if (content) {
              var label = make('label', 'Body (' + type + ')');
              area = make('textarea', '', { spellcheck: 'false' });
              var examples = resolved(content[type].schema).examples;
              if (examples) area.value = JSON.stringify(examples[0], null, 2);
              label.append(area);
              form.append(label);
            }
            var send = make('button', 'Send', { type: 'submit' });
            var end = make('button', 'Stop', { type: 'button', disabled: '' });
            var out = make('pre', '', { tabindex: '0', 'aria-live': 'polite', 'aria-label': 'Answer' });
            out.hidden = true;
            form.append(send, ' ', end);
            box.append(form, out);
            var stop = null;
            end.addEventListener('click', function () { if (stop) stop.abort(); });
            form.addEventListener('submit', async function (event) {
              event.preventDefault();
              if (stop) stop.abort();
              var mine = stop = new AbortController();
              var headers = {}, token = document.getElementById('token').value;
              if (token) headers.Authorization = 'Bearer ' + token;
              if (type) headers['Content-Type'] = type;
              fields.forEach(function (one) {
                if (one.parameter.in === 'header' && one.field.value) headers[one.parameter.name] = one.field.value;
              });
              end.disabled = false;
              out.hidden = false;
              out.textContent = 'Waiting…';
              try {
                var answer = await fetch(target(path, fields), {
                  method: method.toUpperCase(), headers: headers, body: area ? area.value : undefined,
                  signal: mine.signal, cache: 'no-store'
                });
                await show(answer, out, mine);
              } catch (fault) {
                out.append('\\n' + fault);
              }
              if (stop === mine) end.disabled = true;
            });
          }
          function route(path, method, operation) {
            var details = make('details'), summary = make('summary');
            summary.append(make('span', method.toUpperCase(), { 'class': 'method' }), make('code', path), ' ',
              make('span', operation.summary, { 'class': 'note' }));
            details.append(summary);
            details.dataset.text = (method + ' ' + path + ' ' + operation.summary).toLowerCase();
            details.addEventListener('toggle', function () {
              if (!details.open || details.childElementCount > 1) return;
              var box = make('div');
              details.append(box);
              if (operation.description) box.append(make('p', operation.description));
              trial(method, path, operation, box);
              box.append(make('h3', 'Answers'));
              var table = make('table');
              Object.keys(operation.responses).forEach(function (status) {
                var answer = operation.responses[status], line = make('tr');
                line.append(make('td', status), make('td', answer.description),
                  make('td', Object.keys(answer.content || {}).join(', ')));
                table.append(line);
              });
              box.append(table);
              var content = operation.requestBody && operation.requestBody.content;
              var schema = content && content[Object.keys(content)[0]].schema;
              if (schema) box.append(make('h3', 'Body'), make('pre', schemaText(schema), { tabindex: '0' }));
              Object.keys(operation.responses).slice(0, 1).forEach(function (status) {
                var json = (operation.responses[status].content || {})['application/json'];
                if (json && json.schema) {
                  box.append(make('h3', 'Answer'), make('pre', schemaText(json.schema), { tabindex: '0' }));
                }
              });
            });
            return details;
          }
          function draw() {
            var main = document.getElementById('routes');
            main.replaceChildren();
            description.tags.forEach(function (tag) {
              var section = make('section');
              section.append(make('h2', tag.name));
              Object.keys(description.paths).forEach(function (path) {
                Object.keys(description.paths[path]).forEach(function (method) {
                  var operation = description.paths[path][method];
                  if (operation.tags[0] === tag.name) section.append(route(path, method, operation));
                });
              });
              main.append(section);
            });
          }
          document.getElementById('search').addEventListener('input', function (event) {
            var sought = event.target.value.toLowerCase();
            document.querySelectorAll('details').forEach(function (one) {
              one.hidden = one.dataset.text.indexOf(sought) < 0;
            });
          });
          fetch('/openapi.json').then(function (answer) { return answer.json(); }).then(function (found) {
            description = found;
            draw();
          }).catch(function (fault) {
            document.getElementById('routes').textContent = 'The description could not be read: ' + fault;
          });
        })();
        """
}
