{{ config(tags='from_seeds') }}
-- One row per life cycle, condition and period in which they mean one report target.
with condition as (
    select distinct
        code,
        label_it
    from {{ ref('code_condition') }}
    union all
    select
        '00',
        'nessuna'
)

select
    {{ surrogate_key('target_group', ['map.life_cycle_code', 'map.condition_code', 'map.valid_from']) }} as target_group_key,
    map.life_cycle_code,
    life_cycle.label_it as life_cycle_label,
    map.condition_code,
    condition.label_it as condition_label,
    {{ surrogate_key('report_target', ['map.report_target_code']) }} as report_target_key,
    map.report_target_code,
    target.report_target_label,
    map.valid_from,
    map.valid_to
from {{ ref('target_group_map') }} as map
inner join {{ ref('report_target') }} as target
    on map.report_target_code = target.report_target_code
inner join {{ ref('code_life_cycle') }} as life_cycle
    on map.life_cycle_code = life_cycle.code
inner join condition
    on map.condition_code = condition.code
union all
select
    member_key,
    member_code,
    member_label,
    member_code,
    member_label,
    member_key,
    member_code,
    member_label,
    date '1900-01-01',
    date '9999-12-31'
from (
    values (-1::bigint, '-1', 'Non noto'), (-2::bigint, '-2', 'Anonimo'), (-3::bigint, '-3', 'Non applicabile')
) as special (member_key, member_code, member_label)
