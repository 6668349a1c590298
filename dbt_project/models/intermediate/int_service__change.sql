-- One row per day on which a touched episode became another: a new tariff of a stay, another level or area of an allowance.
with tariff as (
    select
        episode.episode_key,
        tariff.tariff_from_on as valid_from,
        row(tariff.health_share_eur, tariff.user_share_eur, tariff.municipal_share_eur) as terms
    from {{ ref('int_service__episode') }} as episode
    inner join {{ ref('stg_far2__period') }} as period
        on
            episode.service_family_code = 'FAR'
            and episode.sender_code = period.sender_code
            and episode.episode_id = period.admission_id
    inner join {{ ref('stg_far2__tariff') }} as tariff
        on
            period.delivery_id = tariff.delivery_id
            and period.record_number = tariff.record_number
),

allowance as (
    select
        episode.episode_key,
        greatest(contract.period_start_on, contract.start_on) as valid_from,
        row(contract.care_area_code, contract.care_level_code) as terms
    from {{ ref('int_service__episode') }} as episode
    inner join {{ ref('stg_smac__contract') }} as contract
        on
            episode.service_family_code = 'SMAC'
            and episode.sender_code = contract.sender_code
            and episode.episode_id = contract.contract_id
),

followed as (
    select
        episode_key,
        valid_from,
        terms,
        lag(terms) over (partition by episode_key order by valid_from, terms) as terms_before
    from tariff
    union all
    select
        episode_key,
        valid_from,
        terms,
        lag(terms) over (partition by episode_key order by valid_from, terms)
    from allowance
)

select
    episode_key,
    valid_from as changed_on
from followed
where terms <> terms_before
