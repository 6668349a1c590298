-- depends_on: {{ ref('int_iass__touched_cell') }}
-- depends_on: {{ ref('dim_date') }}
{{ config(
    materialized='incremental',
    meta={'touched': {
        'by': 'int_iass__touched_cell',
        'columns': ['period_type', 'period_start_on', 'territory_level', 'territory_code']
    }},
    indexes=[
        {'columns': ['period_type', 'territory_level', 'period_start_on', 'territory_code',
            'outcome_type_code', 'destination_service_code'], 'unique': true}
    ]
) }}
-- One row per period, period type, territory, outcome and destination. Demands and persons are distinct in each row.
with told as (
    select
        cast(date_trunc('month', outcome.contact_on) as date) as month_on,
        outcome.district_code,
        outcome.ausl_code,
        outcome_type.outcome_type_code,
        min(outcome_type.outcome_type_label) as outcome_type_label,
        service.destination_service_code,
        min(service.destination_service_label) as destination_service_label,
        case when outcome.person_key > 0 then outcome.person_key end as person_key,
        count(*) as n_outcomes,
        -- A demand has one place, day and person, so that here its outcomes come together.
        count(distinct outcome.demand_key) as n_demands,
        count(outcome.wait_days) as n_waits,
        sum(outcome.wait_days) as wait_days
    from {{ ref('fct_outcome') }} as outcome
    inner join {{ ref('dim_outcome_type') }} as outcome_type
        on outcome.outcome_type_key = outcome_type.outcome_type_key
    inner join {{ ref('dim_destination_service') }} as service
        on outcome.destination_service_key = service.destination_service_key
    {% if is_incremental() %}
        where {{ in_touched_years('outcome.contact_date_key', 'int_iass__touched_cell') }}
    {% endif %}
    group by 1, 2, 3, 4, 6, 8
),

in_place as (
    select
        month_on,
        district_code,
        ausl_code,
        outcome_type_code,
        min(outcome_type_label) as outcome_type_label,
        destination_service_code,
        min(destination_service_label) as destination_service_label,
        sum(n_outcomes) as n_outcomes,
        sum(n_demands) as n_demands,
        sum(n_waits) as n_waits,
        sum(wait_days) as wait_days
    from told
    group by 1, 2, 3, 4, 6
),

in_cell as (
    select
        period.period_type,
        period.period_start_on,
        place.territory_level,
        place.territory_code,
        in_place.outcome_type_code,
        min(in_place.outcome_type_label) as outcome_type_label,
        in_place.destination_service_code,
        min(in_place.destination_service_label) as destination_service_label,
        cast(sum(in_place.n_outcomes) as bigint) as n_outcomes,
        cast(sum(in_place.n_demands) as bigint) as n_demands,
        round(sum(in_place.wait_days) / nullif(sum(in_place.n_waits), 0), 1) as mean_wait_days
    from in_place
    {{ cuts('in_place.month_on', 'in_place.district_code', 'in_place.ausl_code', 'int_iass__touched_cell') }}
    group by 1, 2, 3, 4, 5, 7
),

person as (
    {{ persons_in_cells('told', 'int_iass__touched_cell', by=['outcome_type_code', 'destination_service_code']) }}
)

select
    in_cell.period_type,
    in_cell.period_start_on,
    cast(extract(year from in_cell.period_start_on) as integer) as year_number,
    in_cell.territory_level,
    in_cell.territory_code,
    in_cell.outcome_type_code,
    in_cell.outcome_type_label,
    in_cell.destination_service_code,
    in_cell.destination_service_label,
    in_cell.n_outcomes,
    in_cell.n_demands,
    coalesce(person.n_persons, 0) as n_persons,
    in_cell.mean_wait_days
from in_cell
left join person
    using (period_type, period_start_on, territory_level, territory_code, outcome_type_code, destination_service_code)
