import Testing

@testable import Workspaces

@Suite struct JobQueueTests {
    private func entry(_ job: String, _ project: String) -> JobQueue.Entry {
        JobQueue.Entry(job: job, project: project)
    }

    @Test func jobsOfAProjectComeOneAfterTheOther() {
        var queue = JobQueue(mostRunning: 3, mostWaiting: 10)
        for (job, project) in [("a1", "a"), ("a2", "a"), ("b1", "b"), ("a3", "a")] { queue.add(entry(job, project)) }
        #expect(queue.next()?.job == "a1")
        // Those of another project need not wait for it.
        #expect(queue.next()?.job == "b1")
        #expect(queue.next() == nil)
        #expect(queue.position("a2") == 0 && queue.position("a3") == 1 && queue.position("b1") == nil)
        queue.end("b1")
        #expect(queue.next() == nil)
        queue.end("a1")
        #expect(queue.next()?.job == "a2")
        #expect(queue.jobs(of: "a") == ["a2", "a3"])
    }

    @Test func noMoreRunThanMay() {
        var queue = JobQueue(mostRunning: 2, mostWaiting: 2)
        #expect(queue.hasRoom)
        for name in ["a", "b", "c"] { queue.add(entry(name, name)) }
        #expect(!queue.hasRoom)
        #expect(queue.next() != nil && queue.next() != nil && queue.next() == nil)
        #expect(queue.hasRoom && queue.running.count == 2)
        queue.end("a")
        #expect(queue.next()?.job == "c")
    }

    @Test func aProjectHasItsShareOfThePlaces() {
        var queue = JobQueue(mostRunning: 1, mostWaiting: 16)
        #expect(queue.hasRoom(for: "a"))
        for name in ["a1", "a2"] { queue.add(entry(name, "a")) }
        #expect(!queue.hasRoom(for: "a") && queue.hasRoom(for: "b") && queue.hasRoom)
        _ = queue.next()
        #expect(queue.hasRoom(for: "a"))
    }

    @Test func whoIsExpectedHasAPlace() {
        var queue = JobQueue(mostRunning: 1, mostWaiting: 16)
        for name in ["a1", "a2"] { queue.expect(entry(name, "a")) }
        #expect(!queue.hasRoom(for: "a") && queue.hasRoom(for: "b") && queue.hasRoom)
        #expect(queue.isBusy("a") && !queue.isBusy("b") && queue.isArriving("a1"))
        // It can neither begin nor be withdrawn.
        let (next, isWithdrawn) = (queue.next(), queue.withdraw("a1") != nil)
        #expect(next == nil && !isWithdrawn && queue.jobs(of: "a").isEmpty && queue.position("a1") == nil)
        queue.turnAway("a1")
        #expect(queue.hasRoom(for: "a") && !queue.isArriving("a1"))
        queue.add(entry("a2", "a"))
        #expect(queue.position("a2") == 0 && !queue.isArriving("a2") && queue.arriving.isEmpty)
        for index in 0..<15 { queue.expect(entry("b\(index)", "b\(index)")) }
        #expect(!queue.hasRoom)
    }

    @Test func nothingBeginsInAProjectThatIsHeld() {
        var queue = JobQueue(mostRunning: 3, mostWaiting: 10)
        for (job, project) in [("a1", "a"), ("b1", "b")] { queue.add(entry(job, project)) }
        let (first, second) = (queue.hold("a"), queue.hold("a"))
        #expect(first && !second)
        let begun = [queue.next()?.job, queue.next()?.job]
        #expect(begun == ["b1", nil])
        // What runs is not held.
        let other = queue.hold("b")
        #expect(!other)
        queue.release("a")
        #expect(queue.next()?.job == "a1")
    }

    @Test func aWithdrawnJobNeverBegins() {
        var queue = JobQueue(mostRunning: 1, mostWaiting: 10)
        for name in ["a", "b", "c"] { queue.add(entry(name, name)) }
        _ = queue.next()
        let withdrawn = [queue.withdraw("b"), queue.withdraw("b"), queue.withdraw("a")]
        #expect(withdrawn == [entry("b", "b"), nil, nil])
        queue.end("a")
        #expect(queue.next()?.job == "c")
    }
}
