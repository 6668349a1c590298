-- Question: what does each report target ask for, in percent of its demands?
-- Caveat: shares of demands, not of persons; percent_without_person says how many demands belong to nobody who was identified.
with target as (
    select
        level1_code,
        level1_label,
        report_target_code,
        sum(n_demands) as n_demands,
        sum(n_demands) filter (where not is_person_identified) as n_without_person,
        100.0 * sum(n_demands) / sum(sum(n_demands)) over (partition by report_target_code) as percent_of_target
    from mart_demand.demand
    group by level1_code, level1_label, report_target_code
)

select
    level1_code,
    level1_label,
    sum(n_demands) as n_demands,
    round(max(percent_of_target) filter (where report_target_code = 'FAM'), 1) as famiglia_e_minori,
    round(max(percent_of_target) filter (where report_target_code = 'ANZ'), 1) as anziani,
    round(max(percent_of_target) filter (where report_target_code = 'DIS'), 1) as disabili,
    round(max(percent_of_target) filter (where report_target_code = 'IMM'), 1) as immigrati,
    round(max(percent_of_target) filter (where report_target_code = 'POV'), 1) as poverta,
    round(100.0 * coalesce(sum(n_without_person), 0) / sum(n_demands), 1) as percent_without_person
from target
group by level1_code, level1_label
order by level1_code;
