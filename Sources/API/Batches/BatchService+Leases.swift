import Logging

/// What a server does beside its batches where others may take them over.
extension BatchService {
    /// Looks at least every second for batches that nobody works on, and for those of its own that were
    /// cancelled through another server; until the server stops.
    func follow() async {
        guard store.isShared else { return }
        let interval = min(Duration.seconds(1), .seconds(store.leaseSeconds) / 3)
        while !isStopping {
            try? await Task.sleep(for: interval)
            do {
                if !running.isEmpty { try await store.renew(by: worker) }
                for id in running.keys {
                    let status = try await store.batch(id, tenant: nil)?.status
                    if status == .cancelling { leave(id) }
                }
            } catch {
                // The next second may be better; `advance` tells the log.
                continue
            }
            await advance()
        }
    }

    /// Begins no more lines of a batch and lets go of those that are being answered.
    func leave(_ id: String) {
        guard running[id]?.isCancelled == false else { return }
        running[id]?.isCancelled = true
        for line in (running[id]?.lines ?? [:]).values { line.cancel() }
    }

    /// Takes a batch for this server; waits a moment where another one was faster.
    func claim(_ batch: RequestBatch) async -> Bool {
        do {
            if try await store.claim(batch, by: worker) { return true }
        } catch {
            log("a batch cannot be claimed", error, batch)
        }
        try? await Task.sleep(for: .seconds(1))
        return false
    }
}
