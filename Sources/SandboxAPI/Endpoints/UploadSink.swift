internal import Synchronization
internal import WebTransport
internal import Workspaces

/// Takes an upload's body into the file that is being written.
final class UploadSink: HTTPBodySink {
    private let upload: Mutex<(any ProjectFileUpload)?>
    private let answer: @Sendable (APIError) -> HTTPResponse

    init(_ upload: any ProjectFileUpload, answer: @escaping @Sendable (APIError) -> HTTPResponse) {
        self.upload = Mutex(upload)
        self.answer = answer
    }

    func take(_ bytes: UnsafeRawBufferPointer) -> HTTPResponse? {
        guard let open = upload.withLock({ $0 }) else { return answer(.fault("an upload goes on after its end")) }
        do throws(WorkspaceError) {
            try open.append(bytes)
            return nil
        } catch {
            abandon()
            return answer(APIError(error))
        }
    }

    func abandon() { upload.withLock { $0 = nil } }

    /// The whole upload, once.
    func finished() -> (any ProjectFileUpload)? { upload.withLock { $0.take() } }
}
