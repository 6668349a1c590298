-- One row per cut of the marts of paths with its name: everything, a category or type of demand, a target of the reports.
select
    'all' as cut_type,
    'TOT' as cut_code,
    'Tutte le domande' as cut_label
union all
select
    'demand_level1',
    level1_code,
    min(level1_label)
from {{ ref('dim_demand_type') }}
group by level1_code
union all
select
    'demand_type',
    regional_code,
    (array_agg(demand_type_label order by nomenclature_version desc))[1]
from {{ ref('dim_demand_type') }}
group by regional_code
union all
select
    'report_target',
    report_target_code,
    report_target_label
from {{ ref('dim_report_target') }}
