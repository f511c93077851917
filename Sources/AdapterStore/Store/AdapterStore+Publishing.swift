import InferenceRuntime
import Logging
import Storage

extension AdapterStore {
    /// Loads an adapter and makes it what its name means; durable when this returns.
    ///
    /// The files are copied, checked against the base and placed before the name changes. Requests
    /// that run keep the generation they began with.
    public func publish(
        _ publication: AdapterPublication,
        for caller: AdapterCaller
    ) async throws(AdapterStoreError) -> AdapterGeneration {
        try checkName(of: publication)
        let owner = try catalog.read { (state) throws(AdapterStoreError) in
            try state.owner(
                ofPublished: publication.name,
                by: caller,
                replacing: publication.replacing
            )
        }
        let now = configuration.now()
        let weightsLimit = try weightsLimit(for: publication, of: owner)
        let staged = try await threads.run { () throws(AdapterStoreError) in
            do throws(AdapterStoreError) {
                return try self.stage(publication, weightsLimit: weightsLimit)
            } catch {
                guard case .tooLarge(_, let bytes, weightsLimit) = error,
                    let allowance = publication.ownerLimit,
                    weightsLimit < self.configuration.maximumWeightsBytes
                else { throw error }
                let needed = allowance - weightsLimit + bytes
                throw .overAllowance(name: publication.name, needed: needed, allowance: allowance)
            }
        }
        let generation = staged.generation(owner: owner, publication: publication, now: now)
        // Placed before the row, held until the row is there: no collector comes between.
        let hold = try await threads.run { () throws(AdapterStoreError) in
            try self.files.install(staged.folder, hash: staged.hash)
        }
        let fence = publication.fence
        _ = try await catalog.change("publish the adapter", fence: fence) {
            state throws(AdapterStoreError) in
            // Others may have been published meanwhile.
            let needed = state.weightBytes(of: owner, adding: generation)
            if let limit = publication.ownerLimit, needed > limit {
                throw .overAllowance(name: generation.name, needed: needed, allowance: limit)
            }
            return try state.publishing(
                generation,
                for: caller,
                replacing: publication.replacing,
                now: now
            )
        }
        if let weights = staged.weights { cache.adopt(weights.adapter, of: generation) }
        _ = hold
        // What this replaced has its grace; of others it may be over. The next one tries again.
        do {
            try await collectGarbage()
        } catch {
            configuration.logger.warning(
                "old generations stay for now",
                metadata: ["reason": "\(error)"]
            )
        }
        return catalog.read { state in
            state.current(CatalogKey(owner: owner, name: generation.name))?.generation
        } ?? generation
    }

    /// What the weights may measure, in bytes: nothing is copied that could not be kept.
    private func weightsLimit(
        for publication: AdapterPublication,
        of owner: TenantID
    ) throws(AdapterStoreError) -> Int {
        guard let allowance = publication.ownerLimit else {
            return configuration.maximumWeightsBytes
        }
        let stored = storedBytes(of: owner)
        guard stored < allowance else {
            throw .overAllowance(name: publication.name, needed: stored, allowance: allowance)
        }
        return min(configuration.maximumWeightsBytes, allowance - stored)
    }

    private func checkName(
        of publication: AdapterPublication
    ) throws(AdapterStoreError) {
        if publication.isTrained {
            try AdapterName.checkFineTuned(publication.name)
        } else {
            try AdapterName.check(publication.name, base: configuration.base?.name ?? "")
        }
    }

    /// Copies, hashes and checks; on a thread that may block.
    private func stage(
        _ publication: AdapterPublication,
        weightsLimit: Int
    ) throws(AdapterStoreError) -> StagedAdapter {
        let folder = try StagingFolder.adapter(in: files.root)
        let importer = AdapterImporter(
            roots: publication.roots ?? configuration.roots,
            weightsLimit: weightsLimit,
            family: configuration.base?.family
        )
        try importer.copy(publication.path, to: folder)
        let facts = try AdapterFacts(folder: folder.path, source: publication.path)
        let hash: String
        do throws(FileSystemError) {
            hash = try ContentHash.hash(of: folder.path)
        } catch {
            throw .storage(operation: "hash the adapter", reason: error.description)
        }
        guard let base = configuration.base else {
            return StagedAdapter(folder: folder, hash: hash, facts: facts, weights: nil, base: nil)
        }
        if let trainedOn = facts.baseHash, let hash = base.hash, trainedOn != hash {
            throw .wrongBase(
                name: publication.name,
                expected: base.name,
                actual: facts.configuration.baseModel ?? trainedOn
            )
        }
        do throws(AdapterUnfit) {
            let weights = try base.read(folder.path, AdapterID(hash))
            return StagedAdapter(
                folder: folder,
                hash: hash,
                facts: facts,
                weights: weights,
                base: base
            )
        } catch {
            throw .unfit(name: publication.name, reason: error.reason)
        }
    }
}

/// An adapter that is complete and checked, but has neither place nor name.
private struct StagedAdapter: Sendable {
    let folder: StagingFolder
    let hash: String
    let facts: AdapterFacts
    let weights: AdapterWeights?
    let base: AdapterBase?

    func generation(
        owner: TenantID,
        publication: AdapterPublication,
        now: Int
    ) -> AdapterGeneration {
        var lineage = publication.lineage
        lineage.job = lineage.job ?? facts.lineage.job
        lineage.dataHash = lineage.dataHash ?? facts.lineage.dataHash
        lineage.seed = lineage.seed ?? facts.lineage.seed
        lineage.parent = lineage.parent ?? facts.lineage.parent
        lineage.step = lineage.step ?? facts.lineage.step
        return AdapterGeneration(
            name: publication.name,
            owner: owner,
            hash: hash,
            baseHash: base?.hash ?? facts.baseHash,
            base: base?.name ?? facts.configuration.baseModel ?? "unknown",
            rank: facts.configuration.rank,
            alpha: facts.configuration.alpha,
            fileBytes: facts.fileBytes,
            // Unchecked files may hold 16-bit weights, which take twice as much in memory.
            residentBytes: weights?.bytes ?? 2 * facts.fileBytes,
            created: now,
            lineage: lineage,
            tags: publication.tags
        )
    }
}
