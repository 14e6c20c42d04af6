internal import SandboxKernel
internal import SandboxPlan

/// What a supervisor that was killed has left on the host in a workspace.
public enum InterruptedWorkspace {
    /// Takes away the placeholders that stand in the workspace's folders, as the next launch in it would: empty ones that we have
    /// made, and only if no other run is there.
    ///
    /// Nothing is made where nothing was ever launched.
    ///
    /// - Parameter location: the state folder and the workspace.
    /// - Throws: `EvidenceError` where the folder of records cannot be used, or the ledger not be opened or locked.
    public static func settle(_ location: EvidenceLocation) throws(EvidenceError) {
        guard let folder = try EvidenceFolder.workspace(location, make: false) else { return }
        do throws(Refusal) {
            let placeholders = try Placeholders(ledgerIn: folder.descriptor.number)
            _ = placeholders.end()
        } catch {
            throw EvidenceError(
                action: "take away what a killed launch has left in",
                subject: location.workspace ?? location.folder,
                cause: error.message,
                remedy: error.remedy
            )
        }
    }
}
