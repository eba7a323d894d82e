//! Where lanes meet again that part at a branch: the nearest instruction every way from the branch leads through.
//!
//! In:  the instructions of a routine, branch targets resolved.
//! Out: `meeting` of each branch; [`NOWHERE`] where the ways only end.
//! Source: Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm", run on the reversed graph.

use super::program::{Action, Instruction};

/// No meeting before the end of the routine.
pub const NOWHERE: u32 = u32::MAX;

/// Blocks of instructions without a branch inside, and where each can go.
struct Graph {
    /// First instruction of each block.
    starts: Vec<u32>,
    /// Following blocks; the number of blocks stands for the end.
    next: Vec<Vec<usize>>,
}

/// The instructions that can follow one; `None` is the end.
fn followers(code: &[Instruction], place: usize) -> Vec<Option<u32>> {
    let instruction = &code[place];
    let mut following: Vec<Option<u32>> = match &instruction.action {
        Action::Branch(target) => vec![Some(*target)],
        Action::BranchTable(_, targets) => targets.iter().copied().map(Some).collect(),
        Action::Return | Action::Exit => vec![None],
        // Nobody comes back from a trap, so it must not keep the others from meeting.
        Action::Trap => Vec::new(),
        _ => return vec![Some(place as u32 + 1)],
    };
    if instruction.guard.is_some() {
        following.push(Some(place as u32 + 1));
    }
    following
}

fn graph(code: &[Instruction]) -> Graph {
    let mut is_start = vec![false; code.len() + 1];
    is_start[0] = true;
    for place in 0..code.len() {
        let following = followers(code, place);
        if following != [Some(place as u32 + 1)] {
            is_start[place + 1] = true;
            following.iter().flatten().for_each(|target| is_start[*target as usize] = true);
        }
    }
    let starts: Vec<u32> = (0..code.len()).filter(|place| is_start[*place]).map(|place| place as u32).collect();
    let block_of = |target: u32| starts.partition_point(|start| *start <= target) - 1;
    let end = starts.len();
    let next = (0..end)
        .map(|block| {
            let last = starts.get(block + 1).map_or(code.len(), |start| *start as usize) - 1;
            followers(code, last).into_iter().map(|target| target.map_or(end, block_of)).collect()
        })
        .collect();
    Graph { starts, next }
}

/// Ranks of the blocks in a walk from the end against the arrows: a block comes before those that lead to it.
fn order_from_end(graph: &Graph) -> Vec<usize> {
    let end = graph.next.len();
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); end + 1];
    for (block, next) in graph.next.iter().enumerate() {
        for following in next {
            before[*following].push(block);
        }
    }
    let (mut finished, mut is_seen) = (Vec::new(), vec![false; end + 1]);
    let mut stack = vec![(end, 0)];
    is_seen[end] = true;
    while let Some((block, way)) = stack.pop() {
        let Some(&preceding) = before[block].get(way) else {
            finished.push(block);
            continue;
        };
        stack.push((block, way + 1));
        if !is_seen[preceding] {
            is_seen[preceding] = true;
            stack.push((preceding, 0));
        }
    }
    finished.reverse();
    finished
}

/// The nearest block every way leads through, for each block; `None` where none ever ends.
fn nearest_common(graph: &Graph) -> Vec<Option<usize>> {
    let order = order_from_end(graph);
    let end = graph.next.len();
    let mut rank = vec![usize::MAX; end + 1];
    order.iter().enumerate().for_each(|(place, block)| rank[*block] = place);
    let mut nearest: Vec<Option<usize>> = vec![None; end + 1];
    nearest[end] = Some(end);
    let common = |nearest: &[Option<usize>], mut left: usize, mut right: usize| {
        while left != right {
            let later = if rank[left] > rank[right] { &mut left } else { &mut right };
            *later = nearest[*later].unwrap_or(end);
        }
        left
    };
    let mut has_changed = true;
    while has_changed {
        has_changed = false;
        for &block in &order[1..] {
            let known = graph.next[block].iter().copied().filter(|following| nearest[*following].is_some());
            let found = known.reduce(|left, right| common(&nearest, left, right));
            has_changed |= found != nearest[block];
            nearest[block] = found;
        }
    }
    nearest
}

/// Writes into each branch where its lanes meet again.
pub fn meet(code: &mut [Instruction]) {
    let graph = graph(code);
    let nearest = nearest_common(&graph);
    for (block, common) in nearest[..graph.starts.len()].iter().enumerate() {
        let last = graph.starts.get(block + 1).map_or(code.len(), |start| *start as usize) - 1;
        let meeting = common.and_then(|common| graph.starts.get(common)).copied();
        code[last].meeting = meeting.unwrap_or(NOWHERE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(actions: &[(bool, Action)]) -> Vec<Instruction> {
        let one = |(is_guarded, action): &(bool, Action)| Instruction {
            guard: is_guarded.then_some((0, false)),
            action: action.clone(),
            line: 1,
            opcode: None,
            meeting: NOWHERE,
        };
        actions.iter().map(one).collect()
    }

    #[test]
    fn both_arms_meet_behind_the_later_one() {
        // 0: if p goto 3; 1: a; 2: goto 4; 3: b; 4: end
        let (go, step) = (Action::Branch, Action::Nothing);
        let mut code =
            code(&[(true, go(3)), (false, step.clone()), (false, go(4)), (false, step), (false, Action::Return)]);
        meet(&mut code);
        assert_eq!(code[0].meeting, 4);
    }

    #[test]
    fn lanes_that_leave_a_loop_wait_behind_it() {
        // 0: start; 1: if p goto 3; 2: goto 1; 3: end
        let go = Action::Branch;
        let mut code = code(&[(false, Action::Nothing), (true, go(3)), (false, go(1)), (false, Action::Return)]);
        meet(&mut code);
        assert_eq!(code[1].meeting, 3);
    }

    #[test]
    fn an_early_return_meets_nobody() {
        let mut code = code(&[(true, Action::Return), (false, Action::Nothing), (false, Action::Return)]);
        meet(&mut code);
        assert_eq!(code[0].meeting, NOWHERE);
    }
}
