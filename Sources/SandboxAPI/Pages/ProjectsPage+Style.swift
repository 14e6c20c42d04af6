extension ProjectsPage {
    /// Light and dark by the system's setting; one column below 60 rem.
    static let styleText = #"""
        :root {
          color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif;
          --bg: #fff; --fg: #1b1f24; --dim: #57606a; --line: #d0d7de; --soft: #f6f8fa; --link: #0550ae;
          --good: #116329; --bad: #a40e26; --warn: #7d4e00; --add: #dafbe1; --del: #ffebe9;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --bg: #0d1117; --fg: #e6edf3; --dim: #9ea7b1; --line: #3d444d; --soft: #161b22; --link: #6cb6ff;
            --good: #56d364; --bad: #ff8e86; --warn: #e3b341; --add: #12301f; --del: #3b1b1f;
          }
        }
        * { box-sizing: border-box; }
        [hidden] { display: none !important; }
        body {
          margin: 0 auto; max-width: 84rem; padding: 0 1rem 3rem; background: var(--bg); color: var(--fg);
          overflow-wrap: anywhere;
        }
        html { scrollbar-gutter: stable; }
        h1, h2, h3, h4 { line-height: 1.25; margin: 0 0 .5rem; }
        h1 { font-size: 1.25rem; } h2 { font-size: 1.15rem; } h3, h4 { font-size: 1rem; } h4 { margin-top: 1.25rem; }
        h1 a { color: inherit; text-decoration: none; }
        p { margin: 0 0 .5rem; } a { color: var(--link); }
        header { display: flex; flex-wrap: wrap; gap: 0 1.5rem; align-items: baseline; padding: 1rem 0 .5rem;
          border-bottom: 1px solid var(--line); margin-bottom: 1rem; }
        header p { margin: 0; }
        .row { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; }
        .dim { color: var(--dim); font-weight: normal; }
        .skip { position: absolute; left: -99rem; }
        .skip:focus { left: 1rem; top: .25rem; background: var(--bg); padding: .5rem; z-index: 1; }
        .out { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); margin: 0; }
        :focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
        [tabindex="-1"]:focus { outline: none; }
        button, input, select, textarea {
          font: inherit; color: inherit; background: var(--bg); border: 1px solid var(--dim); border-radius: .4rem;
          padding: .4rem .75rem; max-width: 100%;
        }
        button { background: var(--soft); cursor: pointer; min-height: 2.5rem; }
        button:hover { border-color: var(--fg); }
        [aria-busy] { cursor: progress; } button[aria-busy] { opacity: .6; }
        .first { border-color: var(--link); color: var(--link); font-weight: 600; }
        .danger { border-color: var(--bad); color: var(--bad); }
        label { display: block; margin: .5rem 0 .25rem; }
        textarea, .box input, select { display: block; width: 100%; margin-bottom: .75rem; }
        textarea { resize: vertical; }
        .box, .fault, .empty { border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; margin: 0 0 1rem; }
        .box { background: var(--soft); }
        .fault { border-color: var(--bad); border-left-width: .4rem; padding: .5rem .75rem; }
        #page { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1.5rem; }
        #main { min-width: 0; min-height: 60vh; }
        ul { list-style: none; margin: 0; padding: 0; }
        #list li { border-bottom: 1px solid var(--line); }
        #list a { display: block; padding: .6rem .5rem; color: inherit; text-decoration: none; }
        #list a:hover, tr:hover > * { background: var(--soft); }
        #list a[aria-current], tr[aria-current] > * { background: var(--soft); }
        #list a[aria-current], tr[aria-current] > :first-child { box-shadow: inset .25rem 0 var(--link); }
        .what { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden; }
        .state { white-space: nowrap; font-size: .875rem; font-weight: 600; color: var(--dim); }
        .bad { color: var(--bad); } .good { color: var(--good); } .warn { color: var(--warn); }
        .busy { color: var(--link); }
        .state::before { content: "○ " / ""; } .state.busy::before { content: "◐ " / ""; }
        .state.good::before { content: "✓ " / ""; } .state.bad::before { content: "✗ " / ""; }
        .state.warn::before { content: "! " / ""; }
        @media (prefers-reduced-motion: no-preference) {
          .busy { animation: beat 2s ease-in-out infinite; }
          @keyframes beat { 50% { opacity: .6; } }
        }
        .tabs { display: flex; flex-wrap: wrap; gap: 0 1rem; border-bottom: 1px solid var(--line); margin: 0 0 1rem; }
        .tabs a { padding: .5rem .25rem; text-decoration: none; border-bottom: 3px solid transparent; }
        .tabs a[aria-current] { border-color: var(--link); color: inherit; font-weight: 600; }
        .text { white-space: pre-wrap; }
        pre, code { font: .875rem/1.5 ui-monospace, SFMono-Regular, Menlo, monospace; }
        pre {
          background: var(--soft); border: 1px solid var(--line); border-radius: .4rem; margin: 0 0 1rem;
          padding: .75rem;
          white-space: pre-wrap; overflow: auto; tab-size: 4;
        }
        #log { height: 15rem; }
        .stderr { font-style: italic; color: var(--warn); } .note { color: var(--dim); }
        .esc { color: var(--bad); border: 1px dotted; font-style: normal; }
        .add { background: var(--add); } .del { background: var(--del); }
        .add, .del, .same, #changes .note { display: block; }
        table { border-collapse: collapse; width: 100%; margin: 0 0 1rem; }
        th, td { text-align: left; vertical-align: top; padding: .4rem .75rem .4rem 0;
          border-bottom: 1px solid var(--line); }
        td:first-child, th:first-child { padding-left: .5rem; }
        #jobTable :is(th, td):not(:nth-child(2)) { width: 1%; white-space: nowrap; }
        dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .15rem 1rem; margin: 0 0 1rem; }
        time { white-space: nowrap; }
        ::placeholder { color: var(--dim); opacity: 1; }
        dt { color: var(--dim); } dt::first-letter { text-transform: uppercase; } dd { margin: 0; }
        details { border: 1px solid var(--line); border-radius: .4rem; margin: 0 0 .35rem; }
        summary { cursor: pointer; padding: .4rem .6rem; }
        summary .state { display: inline-block; min-width: 6.5rem; }
        details > div { padding: .4rem .6rem 0; }
        details table { font-size: .875rem; table-layout: fixed; }
        section { margin: 0 0 1.5rem; }
        .files li { display: flex; gap: 1rem; justify-content: space-between; padding: .3rem 0;
          border-bottom: 1px solid var(--line); }
        .size { white-space: nowrap; color: var(--dim); }
        dialog { border: 1px solid var(--line); border-radius: .5rem; background: var(--bg); color: var(--fg);
          max-width: min(30rem, 92vw); }
        dialog::backdrop { background: #0008; }
        @media (max-width: 59.99rem) { .inside #side { display: none; } }
        @media (min-width: 60rem) {
          #page { grid-template-columns: 22rem minmax(0, 1fr); }
          .back { display: none; }
          .both { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 2fr); gap: 1.5rem; }
        }
        @media (max-width: 30rem) {
          #jobTable tr > :last-child { display: none; }
          summary .state { min-width: 0; margin-right: .5rem; }
        }
        """#
}
