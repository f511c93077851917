import AdapterStore
import Storage
import Trainer

/// Counts what a tenant keeps on disk, in bytes.
struct StoredBytes: Sendable {
    let files: FileStore?
    let adapters: AdapterStore?
    let jobs: FineTuningStore?

    /// Everything.
    func all(of tenant: TenantID) async throws -> Int {
        try await besideAdapters(of: tenant) + adapters(of: tenant)
    }

    /// Everything but files.
    func besideFiles(of tenant: TenantID) async throws -> Int {
        try await adapters(of: tenant) + jobs(of: tenant)
    }

    /// Everything but adapters.
    func besideAdapters(of tenant: TenantID) async throws -> Int {
        let files = try await files?.storedBytes(of: tenant) ?? 0
        return try await files + jobs(of: tenant)
    }

    /// The weights of its adapters, replaced generations included.
    private func adapters(of tenant: TenantID) -> Int {
        adapters?.storedBytes(of: tenant) ?? 0
    }

    /// Checkpoints and encoded data of its jobs.
    private func jobs(of tenant: TenantID) async throws -> Int {
        try await jobs?.storedBytes(of: tenant) ?? 0
    }
}
