internal import SandboxRuntime

/// The description of the API in OpenAPI 3.1, made from the table that the router is made from.
enum OpenAPIDocument {
    static func text(_ settings: APISettings) -> [UInt8] {
        var paths: [String: [(String, JSONValue)]] = [:]
        for endpoint in Endpoint.table {
            for (index, template) in endpoint.templates(prefix: settings.apiPrefix).enumerated() {
                let operation = operation(
                    endpoint,
                    template,
                    id: endpoint.name.rawValue + (index == 0 ? "" : "OfProject"),
                    responses(endpoint)
                )
                paths[template, default: []].append((endpoint.method.lowercased(), operation))
                // The router sends who leaves the slash out there (ORC-02).
                guard template.utf8.count > 1, template.utf8.last == UInt8(ascii: "/") else { continue }
                paths[String(template.dropLast()), default: []].append(
                    (endpoint.method.lowercased(), redirected(endpoint, template))
                )
            }
        }
        let document: JSONValue = [
            "openapi": "3.1.0",
            "info": [
                "title": .string(settings.appName),
                "version": "1",
                "summary": "Turns an instruction into a workspace, by a worker inside a verified sandbox.",
                "license": ["name": "Apache-2.0", "identifier": "Apache-2.0"],
            ],
            "servers": [["url": "/"]],
            "security": [["bearer": []], [:]],
            "tags": .array(["projects", "jobs", "files", "evidence", "server"].map { ["name": .string($0)] }),
            "paths": .object(
                JSONObject(paths.map { ($0.key, .object(JSONObject($0.value))) })
            ),
            "components": [
                "schemas": .object(JSONObject(OpenAPISchemas.all)),
                "securitySchemes": [
                    "bearer": [
                        "type": "http", "scheme": "bearer",
                        "description": "Needed where the server was started with API_TOKEN.",
                    ]
                ],
            ],
        ]
        return document.canonical.bytes
    }

    private static func operation(
        _ endpoint: Endpoint,
        _ template: String,
        id: String,
        _ responses: JSONObject
    ) -> JSONValue {
        var operation = JSONObject([
            ("operationId", .string(id)),
            ("summary", .string(endpoint.summary)),
            ("tags", [.string(endpoint.tag)]),
            ("responses", .object(responses)),
        ])
        operation.add("description", ifPresent: endpoint.note.map { .string($0) })
        let parameters = parameters(endpoint, template)
        if !parameters.isEmpty { operation.add("parameters", .array(parameters)) }
        if endpoint.access != .client { operation.add("security", []) }
        switch endpoint.body {
        case nil: break
        case .json(let schema):
            operation.add(
                "requestBody",
                ["required": true, "content": ["application/json": ["schema": reference(schema)]]]
            )
        case .bytes:
            // Without one the file is empty.
            operation.add("requestBody", ["required": false, "content": ["application/octet-stream": [:]]])
        }
        return .object(operation)
    }

    /// The same path without the slash at its end: nothing of the request is judged there.
    private static func redirected(_ endpoint: Endpoint, _ template: String) -> JSONValue {
        let endpoint = Endpoint(
            name: endpoint.name,
            method: endpoint.method,
            place: endpoint.place,
            path: endpoint.path,
            access: endpoint.access,
            tag: endpoint.tag,
            summary: endpoint.summary,
            note: endpoint.note,
            answers: []
        )
        var responses = responses(endpoint)
        responses.add(
            "307",
            [
                "description": "The same path with its slash; method and body are to be sent again.",
                "headers": [
                    CorrelationID.field: requestID,
                    "Location": ["description": "Where.", "schema": ["type": "string"]],
                ],
            ]
        )
        return operation(endpoint, template, id: endpoint.name.rawValue + "WithoutSlash", responses)
    }

    private static func reference(_ schema: String) -> JSONValue {
        ["$ref": .string("#/components/schemas/\(schema)")]
    }

    // MARK: - Parameters

    private static func parameters(_ endpoint: Endpoint, _ template: String) -> [JSONValue] {
        var parameters: [JSONValue] = []
        let names = template.split(separator: "/").map { String($0) }
        for (name, note) in [
            ("project_id", "The project's id, a UUID."), ("job_id", "The job's id, a UUID."),
            ("path", "A path in the workspace; slashes may stand in it."),
        ] where names.contains("{\(name)}") {
            parameters.append([
                "name": .string(name), "in": "path", "required": true, "description": .string(note),
                "schema": ["type": "string"],
            ])
        }
        parameters += endpoint.query.map { parameter($0, in: "query") }
        parameters += endpoint.fields.map { parameter($0, in: "header") }
        return parameters
    }

    private static func parameter(_ parameter: Endpoint.Parameter, in place: String) -> JSONValue {
        let schema: JSONValue =
            switch parameter.kind {
            case .text: ["type": "string"]
            // `Identifier.isPlausible`
            case .id: ["type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"]
            case .integer(let range, let fallback):
                // What is beyond the exact integers is no bound that anybody needs to know.
                JSONValue.exactIntegers.contains(Int64(range.upperBound))
                    ? [
                        "type": "integer", "minimum": .integer(Int64(range.lowerBound)),
                        "maximum": .integer(Int64(range.upperBound)), "default": .integer(Int64(fallback)),
                    ]
                    : [
                        "type": "integer", "format": "int64", "minimum": .integer(Int64(range.lowerBound)),
                        "default": .integer(Int64(fallback)),
                    ]
            case .words(let words):
                [
                    "type": "string", "enum": .array(words.map { .string($0) }),
                    "default": .string(words.first ?? ""),
                ]
            case .choice(let words): ["type": "string", "enum": .array(words.map { .string($0) })]
            }
        var value = JSONObject([
            ("name", .string(parameter.name)), ("in", .string(place)), ("required", false),
            ("description", .string(parameter.note)), ("schema", schema),
        ])
        value.add("example", ifPresent: parameter.example.map { .string($0) })
        return .object(value)
    }

    // MARK: - Responses

    private static func responses(_ endpoint: Endpoint) -> JSONObject {
        var responses = JSONObject()
        for answer in endpoint.answers { responses.add(String(answer.status), response(answer)) }
        for status in statuses(endpoint) { responses.add(String(status), error(status, endpoint)) }
        return responses
    }

    /// Every status that an error of the endpoint can have.
    static func statuses(_ endpoint: Endpoint) -> [Int] {
        var statuses = Set(endpoint.errors)
        if endpoint.access != .everybody { statuses.formUnion([400, 403, 421]) }
        if endpoint.access == .client { statuses.insert(401) }
        if endpoint.method != "GET" { statuses.formUnion([411, 413]) }
        statuses.formUnion([405, 500])
        return statuses.sorted()
    }

    private static let requestID: JSONValue = [
        "description": "The request's id: the client's own, or a new one.", "schema": ["type": "string"],
    ]

    private static func response(_ answer: Endpoint.Answer) -> JSONValue {
        var headers = JSONObject([(CorrelationID.field, requestID)])
        for field in answer.fields {
            headers.add(field.name, ["description": .string(field.note), "schema": ["type": "string"]])
        }
        var response = JSONObject([("description", .string(answer.note)), ("headers", .object(headers))])
        if !answer.contents.isEmpty {
            let contents = answer.contents.map { type, schema -> (String, JSONValue) in
                (type, schema.map { ["schema": reference($0)] } ?? [:])
            }
            response.add("content", .object(JSONObject(contents)))
        }
        return .object(response)
    }

    private static func error(_ status: Int, _ endpoint: Endpoint) -> JSONValue {
        let schema = status == 422 ? "ValidationErrorResponse" : "ErrorResponse"
        let example = JSONObject([
            ("error", .string(APIError.word(status))), ("message", .string(APIError.words(status))),
            ("code", .integer(Int64(status))),
        ])
        let content: JSONValue =
            status == 422
            ? ["schema": reference(schema)] : ["schema": reference(schema), "example": .object(example)]
        return [
            "description": .string(note(status)),
            "headers": [CorrelationID.field: requestID],
            "content": ["application/json": content],
        ]
    }

    private static func note(_ status: Int) -> String {
        switch status {
        case 400: "Something in the request is wrong: a path that leads out, a body that is not UTF-8, no Host."
        case 401: "The token is missing, or another."
        case 403: "This client, or the page it comes from, may not do that."
        case 404: "There is no such project, job or file."
        case 405: "The path has other methods; `Allow` names them."
        case 409: "The state of the thing forbids it."
        case 411: "A body came in chunks; announce it with its Content-Length."
        case 412: "The file is not as the condition has it."
        case 413: "More bytes than there may be."
        case 416: "The range lies behind the file's end."
        case 421: "The server is not known by the name in Host."
        case 422: "A value is missing or wrong; `detail` names each."
        case 429: "Too many jobs wait; try again later."
        case 503: "The server cannot do that now."
        default: "A fault of the server; the log has more under the request's id."
        }
    }
}
