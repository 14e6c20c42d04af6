internal import WebTransport
internal import WorkspaceStore
internal import Workspaces

extension WorkspaceAPI {
    func watchJobEvents(_ call: Call) throws(APIError) -> HTTPResponse {
        let job = try job(call)
        let headers: HTTPHeaders = ["Content-Type": "text/event-stream", "X-Accel-Buffering": "no"]
        if call.isHead { return HTTPResponse(status: 200, headers: headers, body: .stream(.empty)) }
        let last = call.head.headers["Last-Event-ID"] ?? call.query["last_event_id"]
        let feed = EventFeed(service, project: job.projectID, job: job.id, after: EventFeed.number(last))
        return HTTPResponse(status: 200, headers: headers, body: .stream(feed.stream()))
    }
}
