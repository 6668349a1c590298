-- Question: what is asked for (level 1 of the nomenclature), and how does it end, in percent of the demands of the type?
-- Caveat: one outcome per demand, the strongest; a demand that had several is in one column. All outcomes are in core.fct_outcome.
select
    demand_type.level1_code,
    demand_type.level1_label,
    sum(demand.n_demands) as n_demands,
    round(100.0 * sum(demand.n_demands) filter (where outcome.outcome_type_code = '1') / sum(demand.n_demands), 1) as immediate,
    round(100.0 * sum(demand.n_demands) filter (where outcome.outcome_type_code = '2') / sum(demand.n_demands), 1) as material,
    round(100.0 * sum(demand.n_demands) filter (where outcome.outcome_type_code = '3') / sum(demand.n_demands), 1) as case_opened,
    round(100.0 * sum(demand.n_demands) filter (where outcome.outcome_type_code = '4') / sum(demand.n_demands), 1) as assessment,
    round(100.0 * sum(demand.n_demands) filter (where outcome.outcome_type_code = '5') / sum(demand.n_demands), 1) as appointment,
    round(100.0 * sum(demand.n_demands) filter (where outcome.outcome_type_code = '6') / sum(demand.n_demands), 1) as referral
from core.fct_demand as demand
inner join core.dim_demand_type as demand_type
    on demand.demand_type_key = demand_type.demand_type_key
inner join core.dim_outcome_type as outcome
    on demand.outcome_type_key = outcome.outcome_type_key
group by demand_type.level1_code, demand_type.level1_label
order by n_demands desc, demand_type.level1_code;
