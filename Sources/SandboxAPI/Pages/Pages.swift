/// What the server shows to a browser.
struct Pages: Sendable {
    let landing: Page
    let docs: Page
    let description: Page

    init(_ settings: APISettings) {
        let name = Pages.escaped(settings.appName)
        landing = Page(
            html: ProjectsPage.html(name: name, prefix: settings.apiPrefix),
            style: ProjectsPage.style,
            script: ProjectsPage.script
        )
        docs = Page(html: DocsPage.html(name: name), style: DocsPage.style, script: DocsPage.script)
        description = Page(OpenAPIDocument.text(settings), type: "application/json")
    }

    /// Text of a setting in a page.
    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "%": escaped += "&#37;"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
