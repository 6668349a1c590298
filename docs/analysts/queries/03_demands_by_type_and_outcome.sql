-- Demands by category and the outcome that goes furthest. Demands are additive.
select
    level1_label,
    outcome_type_label,
    sum(n_demands) as n_demands
from mart_demand.demand
where year_number = 2013
group by level1_label, outcome_type_label
order by level1_label, n_demands desc;
