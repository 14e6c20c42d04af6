internal import WebTransport
internal import Workspaces

extension WorkspaceAPI {
    func listPlanted(_ call: Call) throws(APIError) -> Reply {
        let id = try call.project()
        let (service, heavy) = (service, heavy)
        return .later { () async throws(APIError) -> HTTPResponse in
            let names = try await heavy.run { () throws(APIError) -> [PlantedName] in
                do throws(WorkspaceError) { return try service.planted(in: id) } catch { throw APIError(error) }
            }
            return .json(
                JSONText.bytes { json in
                    json.object { json in
                        json.member("planted", array: names) { json, name in
                            json.object { json in
                                json.path(name.path)
                                json.member("job_id", name.job)
                                json.member("launch", name.launch)
                            }
                        }
                    }
                }
            )
        }
    }

    func removePlanted(_ call: Call) throws(APIError) -> Reply {
        let id = try call.project()
        let path = try asking { () throws(WorkspaceError) in try RequestedPath(percentEncoded: call.target.path) }
        let (service, heavy) = (service, heavy)
        return .later { () async throws(APIError) -> HTTPResponse in
            _ = try await heavy.run { () throws(APIError) -> Bool in
                do throws(WorkspaceError) {
                    try service.removePlanted(path, from: id)
                    return true
                } catch { throw APIError(error) }
            }
            return HTTPResponse(status: 204)
        }
    }
}
