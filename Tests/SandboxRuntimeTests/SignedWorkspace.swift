import Foundation
import SandboxCrypto
import SandboxPlan

@testable import SandboxRuntime

/// A workspace with records and a key, for tests of signatures and of `gc`.
struct SignedWorkspace {
    let scratch: ScratchFolder
    let location: EvidenceLocation
    let key: SigningKey

    init() throws {
        scratch = try ScratchFolder()
        location = EvidenceLocation(stateFolder: OSString(scratch.path("state")), workspace: SampleLaunch.workspace)
        key = try SigningKey.generated()
    }

    static func signing(_ key: SigningKey) -> RecordSigningKey {
        RecordSigningKey(id: key.publicKey.id) { (bytes) throws(EvidenceError) in
            do throws(CryptoError) {
                return try key.signature(of: bytes)
            } catch {
                throw EvidenceError(action: "sign", subject: "", cause: error.cause, remedy: "none")
            }
        }
    }

    static func keys(_ key: SigningKey, required: Bool = false) -> SignatureKeys {
        let verification = RecordVerificationKey(id: key.publicKey.id) { (signature, bytes) throws(EvidenceError) in
            do throws(CryptoError) {
                return try key.publicKey.verifies(signature, of: bytes)
            } catch {
                throw EvidenceError(action: "check", subject: "", cause: error.cause, remedy: "none")
            }
        }
        return SignatureKeys(keys: [verification], areRequired: required, origin: "the test's key")
    }

    private func context(_ number: UInt8) -> LaunchContext {
        var context = SampleLaunch.context
        context.id = LaunchID([UInt8](repeating: number, count: 16))
        return context
    }

    /// A small record: a launch that was refused.
    func keepRefused(
        _ number: UInt8,
        at time: Timestamp = SampleLaunch.time,
        workspace: OSString = SampleLaunch.workspace,
        copy: OSString? = nil
    ) throws {
        let context = LaunchContext(
            id: LaunchID([UInt8](repeating: number, count: 16)),
            toolVersion: "0.1.0",
            startedAt: time,
            supervisor: SampleLaunch.context.supervisor,
            workspace: RecordedWorkspace(path: workspace),
            arguments: ["true"]
        )
        let location = EvidenceLocation(stateFolder: location.stateFolder, workspace: workspace)
        var store = try EvidenceStore(opening: location, copy: copy)
        try store.appendRefused(
            PreparedContext(context),
            SampleLaunch.refusal,
            proof: .noProcess,
            exitStatus: 125,
            at: time
        )
    }

    func keepLaunch(
        _ number: UInt8,
        copy: OSString? = nil,
        isClosed: Bool = true,
        isRunning: Bool = false
    ) throws {
        var context = context(number)
        if isRunning { context.supervisor = .current }
        let prepared = PreparedContext(context)
        var store = try EvidenceStore(opening: location, copy: copy)
        try store.appendStart(prepared, layers: SampleLaunch.layers, at: SampleLaunch.time)
        if isClosed { try store.appendOutcome(prepared, SampleLaunch.ends[0]) }
    }

    @discardableResult
    func sign(_ other: SigningKey? = nil) throws -> RecordSigner.Report? {
        let key = SignedWorkspace.signing(other ?? key)
        return try RecordSigner.sign(location) { () throws(EvidenceError) in key }
    }

    func verify(required: Bool = false, since: ChainCheckpoint? = nil, _ other: SigningKey? = nil) throws -> ChainReport
    {
        let keys = SignedWorkspace.keys(other ?? key, required: required)
        guard let report = try ChainVerifier.verify(location, since: since, keys: keys) else {
            throw Program.NotBuilt(name: "records")
        }
        return report
    }

    func collect(keep: Int64? = nil, days: Int64? = nil, dryRun: Bool = false) throws -> EvidenceCollector.Report? {
        let signing = SignedWorkspace.signing(key)
        return try EvidenceCollector.collect(
            location,
            EvidenceCollector.Criteria(olderThanDays: days, keep: keep),
            dryRun: dryRun,
            toolVersion: "0.1.0",
            keys: SignedWorkspace.keys(key),
            key: { () throws(EvidenceError) in signing }
        )
    }

    func bytes(_ file: OSString) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: file.description))) }

    func write(_ bytes: [UInt8], to file: OSString) throws {
        try Data(bytes).write(to: URL(filePath: file.description), options: [])
    }

    /// Each with its newline.
    func lines(_ file: OSString) throws -> [[UInt8]] {
        try bytes(file).split(separator: 0x0A).map { Array($0) + [0x0A] }
    }
}
