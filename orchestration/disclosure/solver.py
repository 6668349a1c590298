"""HiGHS behind one function: a linear or mixed-integer programme in sparse form, and what came out of it."""

from __future__ import annotations

from dataclasses import dataclass

import highspy
import numpy as np
from scipy import sparse


@dataclass(frozen=True)
class Programme:
    """minimise cost · x with rows_low ≤ A x ≤ rows_high and low ≤ x ≤ high; `is_integer` marks whole-numbered x."""

    cost: np.ndarray
    matrix: sparse.csr_matrix
    rows_low: np.ndarray
    rows_high: np.ndarray
    low: np.ndarray
    high: np.ndarray
    is_integer: np.ndarray | None = None


class Solver:
    """One programme in HiGHS. Its cost may be changed and it may be solved again from where it stood."""

    def __init__(self, programme: Programme, *, seconds: float | None = None, gap: float = 0.0) -> None:
        self._n = len(programme.cost)
        # The plain interface: the convenient one writes its name to the screen when it is made.
        self._highs = highspy.highs._Highs()
        self._highs.setOptionValue("output_flag", False)
        self._highs.setOptionValue("threads", 1)
        if seconds is not None:
            self._highs.setOptionValue("time_limit", seconds)
            self._highs.setOptionValue("mip_rel_gap", gap)
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = self._n, programme.matrix.shape[0]
        model.col_cost_ = programme.cost
        model.col_lower_, model.col_upper_ = _infinite(programme.low), _infinite(programme.high)
        model.row_lower_, model.row_upper_ = _infinite(programme.rows_low), _infinite(programme.rows_high)
        matrix = programme.matrix.tocsr()
        model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        model.a_matrix_.start_, model.a_matrix_.index_ = matrix.indptr, matrix.indices
        model.a_matrix_.value_ = matrix.data
        if programme.is_integer is not None:
            kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
            model.integrality_ = [kinds[int(each)] for each in programme.is_integer]
        self._highs.passModel(model)

    def bound(self, low: np.ndarray, high: np.ndarray) -> None:
        """Other bounds of x."""
        self._highs.changeColsBounds(self._n, np.arange(self._n, dtype=np.int32), _infinite(low), _infinite(high))

    def solve(self, cost: np.ndarray | None = None) -> np.ndarray | None:
        """The best x found, or None when there is none (or it is unbounded)."""
        if cost is not None:
            self._highs.changeColsCost(self._n, np.arange(self._n, dtype=np.int32), cost)
        self._highs.run()
        status = self._highs.getModelStatus()
        found = self._highs.getInfo().primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        usable = (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kTimeLimit)
        return np.array(self._highs.getSolution().col_value) if found and status in usable else None


def _infinite(values: np.ndarray) -> np.ndarray:
    return np.clip(np.asarray(values, dtype=float), -highspy.kHighsInf, highspy.kHighsInf)
