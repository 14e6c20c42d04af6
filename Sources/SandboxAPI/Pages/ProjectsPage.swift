/// The page at `/`: projects and jobs as they go on, their files, plans, changes and evidence.
///
/// One document with one style and one script, put together from the parts beside this file; nothing is loaded from
/// elsewhere. Whatever a worker or a client has written comes in as text nodes only, never as markup.
enum ProjectsPage {
    /// The document, with `%STYLE%` and `%SCRIPT%` where the two go.
    ///
    /// - Parameters:
    ///   - name: the server's title, escaped for markup.
    ///   - prefix: the path of the API, such as `/api/v1`; the script finds it in a `meta` element.
    /// - Returns: markup in UTF-8.
    static func html(name: String, prefix: String) -> String {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="api-prefix" content="\(prefix)">
        <title>\(name)</title>
        %STYLE%
        </head>
        <body>
        <a class="skip" id="skip" href="#main">Skip to the content</a>
        <header>
        <h1><a href="#/">\(name)</a></h1>
        <p class="row"><span id="ready" class="dim">Asking the server…</span>
        <a href="/docs">API</a> <a href="/metrics">Counts</a>
        <button type="button" id="forget" hidden>Forget the token</button></p>
        </header>
        <p id="live" class="out" role="status"></p>
        <form id="login" class="box" hidden>
        <h2>This server wants its API token</h2>
        <p>It stays in this tab, and is forgotten when the tab is closed.</p>
        <p id="refused" class="bad" role="alert" hidden>The server did not take that token.</p>
        <label for="token">API token</label>
        <input id="token" type="password" autocomplete="off" required>
        <button class="first">Use the token</button>
        </form>
        <div id="page">
        <nav id="side" aria-label="Projects">
        <form id="create" class="box">
        <h2>New project</h2>
        <label for="text">What shall be made?</label>
        <textarea id="text" rows="4" required placeholder="Generate a minimal Python CLI project that …"></textarea>
        <label for="policy">Policy of its sandbox</label>
        <select id="policy"><option value="">The server's own</option></select>
        <div id="createFault"></div>
        <button class="first">Create the project</button>
        </form>
        <h2>Projects <span id="count" class="dim"></span></h2>
        <div id="listFault"></div>
        <ul id="list"></ul>
        <button type="button" id="more" hidden>Show more</button>
        </nav>
        <main id="main" tabindex="-1"><p class="dim">Loading…</p></main>
        </div>
        <dialog id="ask" aria-labelledby="askTitle" aria-describedby="askText">
        <h2 id="askTitle">Delete this project?</h2>
        <p id="askText"></p>
        <div id="askFault"></div>
        <p class="row"><button type="button" id="askNo">Keep it</button>
        <button type="button" id="askYes" class="danger">Delete it for good</button></p>
        </dialog>
        <noscript><p>This page needs JavaScript; <a href="/openapi.json">the API</a> does not.</p></noscript>
        %SCRIPT%
        </body>
        </html>
        """
    }

    /// All of the script, in one closure.
    static let script = compact(
        "(() => {\n'use strict';\n" + textScript + clientScript + listScript + evidenceScript + filesScript
            + jobScript + routeScript + "})();\n"
    )

    /// No text in it holds what is shortened here, and each of its lines ends with `;`, `,` or a brace.
    static let style = [
        ("\n", ""), (": ", ":"), ("; ", ";"), (", ", ","), (" {", "{"), ("{ ", "{"), (" }", "}"), (";}", "}"),
        ("} ", "}"),
    ].reduce(compact(styleText)) { text, pair in
        replaced(pair.0, by: pair.1, in: text)
    }

    private static func replaced(_ old: String, by new: String, in text: String) -> String {
        let old = Array(old.utf8)
        var rest = Array(text.utf8)[...]
        var bytes: [UInt8] = []
        while let first = rest.first {
            if rest.starts(with: old) {
                bytes += new.utf8
                rest = rest.dropFirst(old.count)
            } else {
                bytes.append(first)
                rest = rest.dropFirst()
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Without indentation, comments on lines of their own, and line ends that mean nothing: the page is sent often.
    private static func compact(_ text: String) -> String {
        var compact = ""
        var isComment = false
        for line in text.split(separator: "\n") {
            let rest = line.drop { $0 == " " }
            if rest.hasPrefix("/*") { isComment = true }
            if !isComment {
                compact += rest
                if let last = rest.last, !"{;,(".contains(last) { compact += "\n" }
            }
            if rest.hasSuffix("*/") { isComment = false }
        }
        return compact
    }
}
