import Storage
import Synchronization

/// What tenants are uploading now, so that uploads side by side stay within one allowance.
final class UploadLedger: Sendable {
    private struct Account {
        var uploads = 0
        /// Bytes of uploads that are not over.
        var staged = 0
        /// Bytes of those that became files since the first of them began.
        var committed = 0
    }

    private let accounts = Mutex<[TenantID: Account]>([:])

    /// Begins an upload.
    ///
    /// - Parameters:
    ///   - stored: What the tenant stores, in bytes, read before.
    ///   - allowance: What it may store.
    func begin(_ tenant: TenantID, stored: Int, allowance: Int) -> Share {
        accounts.withLock { accounts in
            accounts[tenant, default: Account()].uploads += 1
            let committed = accounts[tenant]?.committed ?? 0
            return Share(self, tenant, base: stored - committed, allowance: allowance)
        }
    }

    /// One upload's part of what its tenant may store.
    final class Share: Sendable {
        /// What the tenant may store, in bytes.
        let allowance: Int
        private let ledger: UploadLedger
        private let tenant: TenantID
        /// What was stored when the tenant's account was opened.
        private let base: Int
        private let bytes = Mutex<Int?>(0)

        fileprivate init(_ ledger: UploadLedger, _ tenant: TenantID, base: Int, allowance: Int) {
            self.ledger = ledger
            self.tenant = tenant
            self.base = base
            self.allowance = allowance
        }

        deinit { end(committed: false) }

        /// Counts bytes that have arrived.
        /// - Throws: 429 where all of the tenant's uploads and files would outgrow its allowance.
        func take(_ count: Int) throws(APIError) {
            let fits = bytes.withLock { bytes in
                bytes = bytes.map { $0 + count }
                return ledger.accounts.withLock { accounts in
                    accounts[tenant]?.staged += count
                    guard let account = accounts[tenant] else { return false }
                    return base + account.committed + account.staged <= allowance
                }
            }
            guard fits else { throw .overQuota(allowance) }
        }

        /// Ends the upload; what follows counts nothing.
        func end(committed: Bool) {
            let count = bytes.withLock { bytes in
                defer { bytes = nil }
                return bytes
            }
            guard let count else { return }
            ledger.accounts.withLock { accounts in
                guard var account = accounts[tenant] else { return }
                account.uploads -= 1
                account.staged -= count
                if committed { account.committed += count }
                accounts[tenant] = account.uploads == 0 ? nil : account
            }
        }
    }
}
