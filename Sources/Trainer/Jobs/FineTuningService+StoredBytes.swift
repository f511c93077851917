import Logging

/// What jobs take on the disk: noted after each change, and kept below their tenants' limits.
extension FineTuningService {
    /// Measures a job's folder and notes what it takes.
    func noteStoredBytes(of job: FineTuningJob) async {
        do {
            let bytes = await trainer.storedBytes(of: job)
            try await workStore(of: job.key).setStoredBytes(bytes, of: job.key)
        } catch {
            logger.error(
                "the bytes of a job could not be noted",
                metadata: ["job": "\(job.id)", "error": "\(error)"]
            )
        }
    }

    /// Pauses a job whose checkpoints have grown beyond what its tenant may store: nothing is lost,
    /// and it goes on once there is room.
    func didSaveCheckpoint(of job: FineTuningJob) async {
        await noteStoredBytes(of: job)
        guard let limit = job.request.storageLimit else { return }
        do {
            let others = try await trainer.bytesBesideJobs(of: job.tenant)
            let used = try await store.storedBytes(of: job.tenant) + others
            guard used > limit, try await pause(job.key) != nil else { return }
            await note(
                "The job is paused: your files, adapters and checkpoints take \(used) of the \(limit) bytes "
                    + "this API key may store. Delete some models, jobs' checkpoints or files, and "
                    + "resume the job; 'save_total_limit' keeps fewer checkpoints.",
                job.key,
                level: .warn
            )
        } catch is FineTuningTransitionError {
            // It ends, or has been paused, already.
        } catch {
            logger.error(
                "a job's limit could not be checked",
                metadata: ["job": "\(job.id)", "error": "\(error)"]
            )
        }
    }
}
