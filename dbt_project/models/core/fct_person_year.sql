-- depends_on: {{ ref('int_iass__touched_cell') }}
-- depends_on: {{ ref('dim_date') }}
{{ config(
    materialized='incremental',
    meta={'touched': {
        'by': 'int_iass__touched_cell',
        'columns': ['year_number'],
        'only': "territory_level = 'region' and touched.period_type = 'year' and touched.month_on = touched.period_start_on"
    }},
    indexes=[{'columns': ['year_number', 'person_key', 'end_months'], 'unique': true}]
) }}
-- One row per identified person, year and what she is in it: one sex, one citizenship and one age band at the end of each month, quarter,
-- half-year and year in which the desks saw her, so that parts add up to all persons. The registry's version of that day says it; what
-- the registry does not say, her last demand of the period does: of all periods that end in one month, her last of the year so far.
with demand as (
    select
        demand.*,
        cast(extract(year from demand.contact_on) as integer) as year_number,
        cast(extract(month from demand.contact_on) as integer) as month_number
    from {{ ref('fct_demand') }} as demand
    where
        demand.is_person_identified
        {% if is_incremental() %}
            and {{ in_touched_years('demand.contact_date_key', 'int_iass__touched_cell') }}
        {% endif %}
),

last_demand as (
    select distinct on (year_number, person_key, month_number)
        year_number,
        person_key,
        month_number,
        sex_code,
        birth_year,
        age_years,
        citizenship_key
    from demand
    order by year_number, person_key, month_number, contact_on desc, sender_code desc, contact_id desc, demand_number desc
),

said as (
    select
        last_demand.*,
        lead(last_demand.month_number, 1, 13) over person - 1 as last_month_number,
        sum(1 << last_demand.month_number - 1) over (partition by last_demand.year_number, last_demand.person_key) as seen_months
    from last_demand
    window person as (partition by last_demand.year_number, last_demand.person_key order by last_demand.month_number)
),

-- The months that end a period with one of hers in it.
month_end as (
    select
        said.*,
        series.end_month_number,
        cast(make_date(said.year_number, series.end_month_number, 1) + interval '1 month' as date) - 1 as end_on
    from said
    cross join lateral generate_series(said.month_number, said.last_month_number) as series (end_month_number)
    where
        series.end_month_number in (said.month_number, 12)
        or (series.end_month_number % 3 = 0 and said.month_number > series.end_month_number - 3)
        or (series.end_month_number = 6)
),

described as (
    select
        month_end.year_number,
        month_end.person_key,
        month_end.seen_months,
        month_end.end_month_number,
        coalesce(nullif(registered.sex_code, '-1'), month_end.sex_code) as sex_code,
        coalesce(citizenship.citizenship_key, month_end.citizenship_key) as citizenship_key,
        -- A year of birth alone tells the age of 31 December; of other days the age that was said is nearer.
        case
            when registered.birth_month_on is not null then {{ age_on('month_end.end_on', 'registered.birth_month_on', 'null') }}
            when month_end.end_month_number = 12 then coalesce(month_end.year_number - month_end.birth_year, month_end.age_years)
            else coalesce(month_end.age_years, month_end.year_number - month_end.birth_year)
        end as age_years
    from month_end
    left join {{ ref('dim_person') }} as registered
        on
            registered.person_source = 'registry'
            and month_end.person_key = registered.person_key
            and month_end.end_on between registered.valid_from and registered.valid_to
    left join {{ ref('dim_citizenship') }} as citizenship
        on
            citizenship.citizenship_group <> 'non disponibile'
            and registered.citizenship_code = citizenship.citizenship_code
)

select
    described.year_number,
    described.person_key,
    described.sex_code,
    coalesce(age_band.age_band_key, -1) as age_band_key,
    described.citizenship_key,
    cast(min(described.seen_months) as integer) as seen_months,
    bit_or(1 << described.end_month_number - 1) as end_months
from described
left join {{ ref('dim_age_band') }} as age_band
    on
        described.age_years between age_band.age_from and age_band.age_to
        and age_band.age_band_key > 0
group by 1, 2, 3, 4, 5
