import Testing

@testable import AdapterStore

@Suite struct ResidencyLedgerTests {
    private func content(_ hash: String, _ bytes: Int = 10) -> ResidencyLedger.Content {
        ResidencyLedger.Content(hash: hash, bytes: bytes, name: hash)
    }

    @Test("two requests for one content load it once")
    func singleFlight() {
        var ledger = ResidencyLedger(budget: 100)
        #expect(ledger.request(1, [content("a")]) == [.load("a")])
        #expect(ledger.request(2, [content("a")]) == [])
        #expect(ledger.loaded("a", bytes: 10) == [.grant(1), .grant(2)])
        #expect(ledger.request(3, [content("a")]) == [.grant(3)])
        #expect(ledger.used == 10)
    }

    @Test("the least recently used content without a pin makes room")
    func leastRecentlyUsed() {
        var ledger = ResidencyLedger(budget: 30)
        for (id, hash) in ["a", "b", "c"].enumerated() {
            _ = ledger.request(id, [content(hash)])
            _ = ledger.loaded(hash, bytes: 10)
            if hash != "b" { _ = ledger.release([hash]) }
        }
        _ = ledger.request(4, [content("a")])
        _ = ledger.release(["a"])
        #expect(ledger.request(5, [content("d")]) == [.evict("c"), .load("d")])
    }

    @Test("who finds no room waits, and later ones do not overtake")
    func waiting() {
        var ledger = ResidencyLedger(budget: 20)
        _ = ledger.request(1, [content("a", 20)])
        _ = ledger.loaded("a", bytes: 20)
        #expect(ledger.request(2, [content("b", 20)]) == [])
        #expect(ledger.request(3, [content("c", 1)]) == [])
        #expect(ledger.request(4, [content("a", 20)]) == [.grant(4)])
        #expect(ledger.release(["a"]) == [])
        #expect(ledger.release(["a"]) == [.evict("a"), .load("b")])
        #expect(ledger.loaded("b", bytes: 20) == [.grant(2)])
        #expect(ledger.release(["b"]) == [.evict("b"), .load("c")])
    }

    @Test("a mix gets all its contents or waits holding none")
    func mixes() {
        var ledger = ResidencyLedger(budget: 30)
        _ = ledger.request(1, [content("a"), content("b")])
        #expect(ledger.request(2, [content("c"), content("d")]) == [])
        #expect(ledger.entries.count == 2)
        _ = ledger.loaded("a", bytes: 10)
        #expect(ledger.loaded("b", bytes: 10) == [.grant(1)])
        #expect(ledger.release(["a", "b"]) == [.evict("a"), .load("c"), .load("d")])
    }

    @Test("a failed load frees its bytes, tells all who wait and is forgotten")
    func failure() {
        var ledger = ResidencyLedger(budget: 20)
        let error = AdapterStoreError.damaged(name: "a", reason: "test")
        _ = ledger.request(1, [content("a")])
        _ = ledger.request(2, [content("b"), content("a")])
        #expect(ledger.failed("a", error) == [.fail(1, error), .fail(2, error)])
        #expect(ledger.used == 10)
        #expect(ledger.request(3, [content("a")]) == [.load("a")])
    }

    @Test("cancelling gives back pins and places in the queue")
    func cancel() {
        var ledger = ResidencyLedger(budget: 10)
        _ = ledger.request(1, [content("a")])
        _ = ledger.request(2, [content("b")])
        _ = ledger.request(3, [content("c")])
        #expect(ledger.cancel(2) == [.fail(2, .cancelled)])
        #expect(ledger.cancel(1) == [.fail(1, .cancelled)])
        #expect(ledger.cancel(1) == [])
        #expect(ledger.loaded("a", bytes: 10) == [.evict("a"), .load("c")])
    }

    @Test("what never fits is refused with the number")
    func overBudget() {
        var ledger = ResidencyLedger(budget: 15)
        let refusal = AdapterStoreError.overBudget(name: "a", bytes: 20, budget: 15)
        #expect(ledger.request(1, [content("a"), content("b")]) == [.fail(1, refusal)])
        let huge = content("h", .max)
        #expect(
            ledger.request(2, [huge, huge])
                == [.fail(2, .overBudget(name: "h", bytes: 0, budget: 15))]
        )
    }

    @Test("prefetch uses free room only and never waits")
    func prefetch() {
        var ledger = ResidencyLedger(budget: 20)
        #expect(ledger.prefetch(content("a")) == [.load("a")])
        #expect(ledger.prefetch(content("a")) == [])
        _ = ledger.request(1, [content("b")])
        #expect(ledger.prefetch(content("c")) == [])
        #expect(ledger.loaded("a", bytes: 10) == [])
        #expect(ledger.prefetch(content("c")) == [.evict("a"), .load("c")])
    }

    @Test("after any history the sums hold and nothing pinned was evicted", arguments: 0..<8)
    func randomHistory(seed: Int) {
        var random = SplitMix(state: UInt64(seed))
        var ledger = ResidencyLedger(budget: 50)
        var held: [Int: [String]] = [:]
        var asked: [Int: [String]] = [:]
        var loading: Set<String> = []
        func follow(_ actions: [ResidencyLedger.Action]) {
            for action in actions {
                switch action {
                case .load(let hash): #expect(loading.insert(hash).inserted)
                case .evict(let hash):
                    #expect(!held.values.joined().contains(hash) && !loading.contains(hash))
                case .grant(let id): held[id] = asked.removeValue(forKey: id)
                case .fail(let id, _): asked[id] = nil
                }
            }
        }
        for id in 0..<600 {
            switch random.below(5) {
            case 0, 1:
                let hashes = Set((0...random.below(2)).map { _ in "h\(random.below(12))" }).sorted()
                asked[id] = hashes
                follow(
                    ledger.request(id, hashes.map { content($0, 5 + Int($0.utf8.last ?? 0) % 9) })
                )
            case 2:
                guard let hash = loading.sorted().randomElement(random.below(100)) else { continue }
                loading.remove(hash)
                follow(
                    random.below(4) == 0
                        ? ledger.failed(hash, .cancelled)
                        : ledger.loaded(hash, bytes: ledger.entries[hash]?.bytes ?? 0)
                )
            case 3:
                guard let id = held.keys.sorted().randomElement(random.below(100)) else { continue }
                follow(ledger.release(held.removeValue(forKey: id) ?? []))
            default:
                guard let id = asked.keys.sorted().randomElement(random.below(100)) else {
                    continue
                }
                follow(ledger.cancel(id))
            }
            #expect(ledger.used == ledger.entries.values.reduce(0) { $0 + $1.bytes })
            #expect(ledger.used <= 50)
        }
    }
}

extension Array {
    fileprivate func randomElement(_ number: Int) -> Element? {
        isEmpty ? nil : self[number % count]
    }
}
