import Logging
import Storage

/// What a server does beside the work on its jobs where others may take them over.
extension FineTuningService {
    /// Looks twice a second what others want of the jobs at work here, asks for them again in time,
    /// and begins what nobody works on.
    func beat() async {
        var renewed = ContinuousClock.now
        let interval = Duration.seconds(worker.leaseSeconds) / 3
        while !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(500))
            do {
                try await followOthers()
                if renewed.duration(to: .now) >= interval {
                    let begun = ContinuousClock.now
                    try await store.renew(leases, seconds: worker.leaseSeconds)
                    renewed = begun
                }
            } catch {
                // While the database is away nobody else can take a job either.
                logger.debug("leases are not renewed", metadata: ["reason": "\(error)"])
                continue
            }
            if !isStopping { await advance() }
        }
    }

    private var leases: [JobLease] { running.values.compactMap(\.lease) }

    /// Tells each run what its job's owner, or a server that took the job over, has decided.
    private func followOthers() async throws {
        let leases = leases
        let statuses = try await store.statuses(of: leases)
        for lease in leases {
            guard let run = running[lease.key], run.lease == lease else { continue }
            switch statuses[lease.key] {
            case .cancelled, .failed, nil: run.control.tell(.abandon)
            case .paused: run.control.tell(.save)
            case .validatingFiles, .queued, .running, .succeeded: break
            }
        }
    }

    /// Takes a job for this server.
    /// - Returns: Whether it may be worked on; otherwise another server was faster, or it has ended
    ///   its servers twice.
    func claim(_ job: FineTuningJob) async -> Bool {
        do {
            let claim = try await store.claim(
                job,
                worker: worker.name,
                seconds: worker.leaseSeconds
            )
            guard let claim else { return false }
            running[job.key]?.lease = claim.lease
            running[job.key]?.control.hold(claim.lease)
            guard store.database.isShared else { return true }
            if job.unfinishedStarts >= Self.mostUnfinishedStarts {
                await fail(job, Self.serverDied)
                return false
            }
            if claim.wasAbandoned {
                await note(
                    "Another server takes the job over; it goes on from its last checkpoint.",
                    job.key
                )
            }
            return true
        } catch {
            logger.error("a job cannot be claimed", metadata: ["error": "\(error)"])
            return false
        }
    }

    /// Lets go of a job that is over or left off.
    func release(_ key: String) async {
        guard let lease = running[key]?.lease, store.database.isShared else { return }
        try? await store.release(lease)
    }

    /// The store for what is written on behalf of a job's work.
    func workStore(of key: String) -> FineTuningStore { store.held(by: running[key]?.lease) }
}
