-- depends_on: {{ ref('int_iass__touched_cell') }}
-- depends_on: {{ ref('dim_date') }}
{{ config(
    materialized='incremental',
    meta={'touched': {
        'by': 'int_iass__touched_cell',
        'columns': ['period_type', 'period_start_on', 'territory_level', 'territory_code']
    }}
) }}
-- One row per quarter, half-year or year and territory in which there was a contact: the comuni whose desks had one, and their residents;
-- and how much the number of contacts varies by chance. Contacts of one reporter are not independent: she comes with all of hers or not at
-- all, so the variance is the sum of the squared counts of each (compound Poisson). Who was not identified comes once.
with in_place as (
    select distinct
        cast(date_trunc('month', contact.contact_on) as date) as month_on,
        contact.district_code,
        contact.ausl_code,
        desk_comune.comune_code
    from {{ ref('fct_contact') }} as contact
    inner join {{ ref('dim_territory') }} as desk_comune
        on contact.territory_key = desk_comune.territory_key
    {% if is_incremental() %}
        where {{ in_touched_years('contact.contact_date_key', 'int_iass__touched_cell') }}
    {% endif %}
),

contact as (
    select distinct
        period.period_type,
        period.period_start_on,
        place.territory_level,
        place.territory_code,
        in_place.comune_code
    from in_place
    {{ cuts(
        'in_place.month_on', 'in_place.district_code', 'in_place.ausl_code', 'int_iass__touched_cell', ['quarter', 'half_year', 'year']
    ) }}
),

turned as (
    select
        cast(date_trunc('month', contact_on) as date) as month_on,
        district_code,
        ausl_code,
        case when is_reporter_identified then reporter_person_key else -contact_key end as reporter_key,
        sum(n_contacts) as n_contacts
    from {{ ref('fct_contact') }}
    {% if is_incremental() %}
        where {{ in_touched_years('contact_date_key', 'int_iass__touched_cell') }}
    {% endif %}
    group by 1, 2, 3, 4
),

reporter as (
    select
        period.period_type,
        period.period_start_on,
        place.territory_level,
        place.territory_code,
        turned.reporter_key,
        sum(turned.n_contacts) as n_contacts
    from turned
    {{ cuts(
        'turned.month_on', 'turned.district_code', 'turned.ausl_code', 'int_iass__touched_cell', ['quarter', 'half_year', 'year']
    ) }}
    group by 1, 2, 3, 4, 5
),

chance as (
    select
        period_type,
        period_start_on,
        territory_level,
        territory_code,
        sum(n_contacts * n_contacts) as variance
    from reporter
    group by 1, 2, 3, 4
),

-- Comuni that have merged since stand in no population of today: they count as comuni, not as residents.
comune_residents as (
    select
        population.reference_on,
        comune.comune_code,
        sum(population.n_residents) as n_residents
    from {{ ref('fct_population') }} as population
    inner join {{ ref('dim_territory') }} as comune
        on population.territory_key = comune.territory_key
    group by 1, 2
),

structure_day as (
    select distinct
        year_number,
        structure_on
    from {{ ref('int_population__residents') }}
)

select
    contact.period_type,
    contact.period_start_on,
    cast(extract(year from contact.period_start_on) as integer) as year_number,
    contact.territory_level,
    contact.territory_code,
    count(*) filter (where contact.comune_code <> '-1') as n_comuni_with_desk,
    coalesce(sum(comune_residents.n_residents) filter (where contact.comune_code <> '-1'), 0) as n_residents_with_desk,
    max(chance.variance) as variance
from contact
inner join chance
    on
        contact.period_type = chance.period_type
        and contact.period_start_on = chance.period_start_on
        and contact.territory_level = chance.territory_level
        and contact.territory_code = chance.territory_code
inner join structure_day
    on extract(year from contact.period_start_on) = structure_day.year_number
left join comune_residents
    on
        structure_day.structure_on = comune_residents.reference_on
        and contact.comune_code = comune_residents.comune_code
group by 1, 2, 3, 4, 5
