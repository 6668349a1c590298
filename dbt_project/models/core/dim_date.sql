{{ config(tags='from_seeds', indexes=[{'columns': ['date_on']}]) }}
-- One row per day, and the special members.
with day as (
    select cast(date_on as date) as date_on
    from generate_series(
        timestamp '{{ var("first_day") }}', timestamp '{{ var("last_day") }}', interval '1 day'
    ) as series (date_on)
),

labelled as (
    select
        date_on,
        cast(extract(year from date_on) as integer) as year_number,
        cast(extract(month from date_on) as integer) as month_number,
        (array[
            'gennaio', 'febbraio', 'marzo', 'aprile', 'maggio', 'giugno',
            'luglio', 'agosto', 'settembre', 'ottobre', 'novembre', 'dicembre'
        ])[cast(extract(month from date_on) as integer)] as month_name,
        (array['lunedì', 'martedì', 'mercoledì', 'giovedì', 'venerdì', 'sabato', 'domenica'])[
            cast(extract(isodow from date_on) as integer)
        ] as weekday_label,
        cast(extract(isodow from date_on) as integer) as weekday_number,
        cast(extract(quarter from date_on) as integer) as quarter_number,
        case when extract(month from date_on) <= 6 then 1 else 2 end as half_year_number
    from day
)

select
    cast(to_char(date_on, 'YYYYMMDD') as integer) as date_key,
    date_on,
    year_number,
    half_year_number,
    half_year_number || '° semestre ' || year_number as half_year_label,
    make_date(year_number, 6 * half_year_number - 5, 1) as half_year_on,
    quarter_number,
    quarter_number || '° trimestre ' || year_number as quarter_label,
    month_number,
    month_name || ' ' || year_number as month_label,
    cast(date_trunc('month', date_on) as date) as month_on,
    to_char(date_on, 'IYYY-"W"IW') as iso_week_code,
    weekday_number,
    weekday_label,
    weekday_number >= 6 as is_weekend
from labelled
union all
select
    member_key,
    cast(null as date),
    -1,
    -1,
    member_label,
    cast(null as date),
    -1,
    member_label,
    -1,
    member_label,
    cast(null as date),
    member_label,
    -1,
    member_label,
    false
from (values (-1, 'Non noto'), (-2, 'Anonimo'), (-3, 'Non applicabile')) as special (member_key, member_label)
