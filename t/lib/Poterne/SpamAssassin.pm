# The real SpamAssassin as an oracle: what it says of messages, with settings of this module alone.
package Poterne::SpamAssassin;

use strict;
use warnings;

use Digest::SHA ();
use File::Basename qw(dirname);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use IO::Handle;
use POSIX ();

use Poterne::Data qw(corpus);

use constant RULES => '/usr/share/spamassassin';

# Some tests compare a message's date with today.
use constant NOW => 1_767_225_600;    # 2026-01-01 00:00 UTC

BEGIN {
    no warnings 'once';
    *CORE::GLOBAL::time = sub () { NOW };
}

# Those that Debian's *.pre files load.
my @plugins = qw(
    AskDNS AutoLearnThreshold Bayes BodyEval Check DKIM DMARC DNSEval FreeMail HTMLEval HTTPSMismatch
    HashBL HeaderEval ImageInfo MIMEEval MIMEHeader Pyzor Razor2 RelayEval ReplaceTags SPF SpamCop
    URIDNSBL URIDetail URIEval VBounce WLBLEval WelcomeListSubject
);

# Both sides read FOLDER/site.pre, then the rules, then FOLDER/site.cf.
# $net, where rules may ask the DNS: { port => of a server on this machine, rules => more of them }.
sub write_site {
    my ( $folder, $net ) = @_;
    make_path($folder);
    my @wanted = $net ? grep { !/^(?:DKIM|DMARC|HashBL|Pyzor|Razor2|SPF|SpamCop)$/ } @plugins : @plugins;
    put( "$folder/site.pre", "enable_compat welcomelist_blocklist\n",
        map {"loadplugin Mail::SpamAssassin::Plugin::$_\n"} @wanted );
    put(
        "$folder/site.cf",
        "use_bayes 0\nuse_auto_welcomelist 0\n",
        $net ? ( "dns_available yes\ndns_server 127.0.0.1:$net->{port}\nrbl_timeout 30\n", $net->{rules} ) : ()
    );
    return;
}

sub put {
    my ( $path, @lines ) = @_;
    open my $file, '>', $path or die "$path: $!\n";
    print {$file} @lines;
    close $file or die "$path: $!\n";
    return;
}

# undef where it is not installed, or only another version
sub version {
    my $version = eval { require Mail::SpamAssassin; Mail::SpamAssassin::Version() };
    return -d RULES ? $version : undef;
}

# Every k-th path of an index of "LABEL PATH" lines.
sub paths_of {
    my ( $index, $every ) = @_;
    my $folder = dirname($index);
    open my $lines, '<', $index or die "$index: $!\n";
    my @paths = map { ( split ' ', $_, 2 )[1] } <$lines>;
    chomp @paths;
    return map {"$folder/$paths[$_]"} grep { $_ % $every == 0 } 0 .. $#paths;
}

# What a parity test begins with: every k-th message of both corpora, all of them with
# POTERNE_TEST_ALL=1; ends the test as skipped where something is missing to compare them.
sub paths_or_skip {
    my ( $program, $every ) = @_;
    require Test::More;
    my $version = version();
    my @paths;
    my $missing
        = !-x $program           ? "$program is not built"
        : !defined $version      ? 'SpamAssassin and its rules are not installed (package spamassassin)'
        : $version ne '4.0.1'    ? "SpamAssassin is $version, poterne is compared with 4.0.1"
        :                          undef;
    if ( !defined $missing ) {
        $every = 1 if $ENV{POTERNE_TEST_ALL};
        @paths = map { paths_of( "$_/index", $every ) } grep {defined} map { corpus($_) } qw(sa modern);
        $missing = 'the corpora are not there (' . Poterne::Data::folder() . ')' if !@paths;
    }
    Test::More::plan( skip_all => $missing ) if defined $missing;
    return @paths;
}

# Options of our programs for the rules that the oracle reads, FOLDER as write_site() made it.
sub rule_options {
    my ($folder) = @_;
    return map { ( '-r', $_ ) } "$folder/site.pre", RULES, "$folder/site.cf";
}

# 4.0.1 compiles a pattern with %{NAME} once a process (flag "o"), with what the first message had. As
# if each message had a process of its own:
sub fill_captures_anew {
    require Mail::SpamAssassin::Plugin::Check;
    no warnings qw(redefine once);
    my $add = \&Mail::SpamAssassin::Plugin::Check::add_evalstr;
    *Mail::SpamAssassin::Plugin::Check::add_evalstr = sub {
        my ( $self, $status, $code ) = @_;
        $code =~ s{/\$test_qr/(g?)op\b}{/\$test_qr/$1p}g if ( $code // '' ) =~ /capture_template_rules/;
        return $add->( $self, $status, $code );
    };
    return;
}

# 4.0.1 looks the addresses of name servers up for rules with the tflag "a", not for those with "ns", which
# its manual says; and so the latter never hit.
sub ask_for_server_addresses {
    require Mail::SpamAssassin::Plugin::URIDNSBL;
    no warnings qw(redefine once);
    my $complete = \&Mail::SpamAssassin::Plugin::URIDNSBL::complete_ns_lookup;
    *Mail::SpamAssassin::Plugin::URIDNSBL::complete_ns_lookup = sub {
        my ( $self, $status, @rest ) = @_;
        local $status->{uridnsbl_active_rules_arevipbl} = $status->{uridnsbl_active_rules_nsrevipbl};
        local $status->{uridnsbl_seen_lookups} = {};    # or a host of a link would hide a server
        return $complete->( $self, $status, @rest );
    };
    return;
}

# It sends all its questions before it reads an answer: room for them, or some are lost.
sub hear_all_answers {
    require Mail::SpamAssassin::DnsResolver;
    no warnings qw(redefine once);
    my $connect = \&Mail::SpamAssassin::DnsResolver::connect_sock;
    *Mail::SpamAssassin::DnsResolver::connect_sock = sub {
        my ($self) = @_;
        my $result = $connect->($self);
        $self->{sock}->sockopt( Socket::SO_RCVBUF(), 4 << 20 ) if $self->{sock};
        return $result;
    };
    return;
}

# A Mail::SpamAssassin that keeps what it writes in the folder.
sub oracle {
    my ( $folder, $net ) = @_;
    fill_captures_anew();
    if ($net) {
        ask_for_server_addresses();
        hear_all_answers();
    }
    write_site( "$folder/site", $net );
    make_path( "$folder/home", "$folder/state" );
    put( "$folder/user_prefs", '' );
    my $sa = Mail::SpamAssassin->new(
        {
            rules_filename       => RULES,
            site_rules_filename  => "$folder/site",
            userprefs_filename   => "$folder/user_prefs",
            userstate_dir        => "$folder/state",
            home_dir_for_helpers => "$folder/home",
            local_tests_only     => $net ? 0 : 1,
            dont_copy_prefs      => 1,
        }
    );
    $sa->compile_now( 0, 1 );
    # What one message finds in a list would keep all later ones from asking it.
    delete @{ $sa->{conf} }{qw(dns_block_rule dns_block_rule_domains)} if $net;
    return $sa;
}

# "SCORE TAB RULES"
sub ask {
    my ( $sa, $raw ) = @_;
    my $message = $sa->parse( $raw, 0 );
    my $status = $sa->check($message);
    my %hit = map { $_ => 1 } map { split /,/ } $status->get_names_of_tests_hit, $status->get_names_of_subtests_hit;
    my $answer = sprintf "%.3f\t%s", $status->get_score, join ',', sort keys %hit;
    $status->finish;
    $message->finish;
    return $answer;
}

sub slurp_raw {
    my ($path) = @_;
    open my $file, '<:raw', $path or die "$path: $!\n";
    local $/ = undef;
    return scalar <$file>;
}

# { PATH => "SCORE TAB RULES" }. A cache file keeps them from one run to the next: it is thrown away
# when SpamAssassin, its rules or what is set here change.
# Those of $net (see write_site) are never kept.
sub answers {
    my ( $paths, $processes, $cache, $net ) = @_;
    my $known = $cache ? read_cache($cache) : {};
    my ( %answer, %digest );
    for my $path (@$paths) {
        $digest{$path} = Digest::SHA::sha1_hex( slurp_raw($path) );
        $answer{$path} = $known->{ $digest{$path} };
    }
    my @open = grep { !defined $answer{$_} } @$paths;
    my $asked = ask_in_parallel( \@open, $processes, $net );
    @answer{ keys %$asked } = values %$asked;
    if ( $cache && @open ) {
        $known->{ $digest{$_} } = $answer{$_} for @open;
        write_cache( $cache, $known );
    }
    return \%answer;
}

# Each process writes a file, so that none waits for another to be read.
sub ask_in_parallel {
    my ( $paths, $processes, $net ) = @_;
    my %answer;
    return \%answer if !@$paths;
    defined version() or die "SpamAssassin and its rules are not installed: apt-get install spamassassin\n";
    my $folder = tempdir( 'poterne-answers-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
    my %file_of;
    for my $first ( 0 .. $processes - 1 ) {
        my $pid = fork // die "fork: $!\n";
        if ( !$pid ) {
            ask_every( $paths, $first, $processes, "$folder/$first", $net );
            POSIX::_exit(0);
        }
        $file_of{$pid} = "$folder/$first";
    }
    for my $pid ( keys %file_of ) {
        waitpid $pid, 0;
        die "the oracle failed\n" if $?;
        open my $file, '<', $file_of{$pid} or die "$file_of{$pid}: $!\n";
        while (<$file>) {
            chomp;
            my ( $n, $said ) = split /\t/, $_, 2;
            $answer{ $paths->[$n] } = $said;
        }
    }
    die "the oracle left out some messages\n" if keys %answer != @$paths;
    return \%answer;
}

sub ask_every {
    my ( $paths, $first, $step, $to, $net ) = @_;
    make_path("$to.home");
    open my $file, '>', $to or die "$to: $!\n";
    $file->autoflush(1);
    my $sa = oracle( "$to.home", $net );
    for ( my $n = $first ; $n < @$paths ; $n += $step ) {
        print {$file} "$n\t", ask( $sa, slurp_raw( $paths->[$n] ) ), "\n";
    }
    close $file or die "$to: $!\n";
    return;
}

# What two sides say, as answers() gives it, side by side:
#   messages; scores: so many within 0.01; both, theirs, ours: hits that both or one side has
#   rules => { NAME => { both, theirs, ours: counts; example: a message where they differ } }
sub compare {
    my ( $theirs, $ours ) = @_;
    my %sum = ( messages => 0, scores => 0, both => 0, theirs => 0, ours => 0, rules => {} );
    for my $path ( sort keys %$theirs ) {
        my ( $their_score, $their_rules ) = split /\t/, $theirs->{$path}, 2;
        my ( $our_score,   $our_rules )   = split /\t/, $ours->{$path},   2;
        my %side = map { $_ => 'theirs' } split /,/, $their_rules;
        $side{$_} = $side{$_} ? 'both' : 'ours' for split /,/, $our_rules;
        $sum{messages}++;
        $sum{scores}++ if abs( $their_score - $our_score ) <= 0.0101;
        for ( keys %side ) {
            $sum{ $side{$_} }++;
            $sum{rules}{$_}{ $side{$_} }++;
            $sum{rules}{$_}{example} //= $path if $side{$_} ne 'both';
        }
    }
    return \%sum;
}

# In percent of all that either side has.
sub agreement {
    my ($count) = @_;
    my ( $both, $theirs, $ours ) = map { $count->{$_} // 0 } qw(both theirs ours);
    my $all = $both + $theirs + $ours;
    return $all ? 100 * $both / $all : 100;
}

# The rules that differ, most first, as lines; at most so many.
sub table {
    my ( $sum, $most, $pattern ) = @_;
    my $of = $sum->{rules};
    my %wrong = map { $_ => ( $of->{$_}{theirs} // 0 ) + ( $of->{$_}{ours} // 0 ) } keys %$of;
    my @names = sort { $wrong{$b} <=> $wrong{$a} || $a cmp $b } grep { $wrong{$_} } keys %wrong;
    @names = grep {/$pattern/} @names if defined $pattern;
    splice @names, $most if @names > $most;
    return (
        sprintf( '%-34s %7s %7s %7s  %s', 'rule', 'theirs', 'ours', 'both', 'for example' ),
        map {
            sprintf '%-34s %7d %7d %7d  %s', $_, ( map { $_ // 0 } @{ $of->{$_} }{qw(theirs ours both)} ),
                $of->{$_}{example}
        } @names
    );
}

# --- the cache: a line for the key, then "DIGEST TAB SCORE TAB RULES" ---

sub cache_key {
    my $sha = Digest::SHA->new(1);
    $sha->add( NOW, @plugins, 'captures filled in anew' );
    $sha->addfile($_) for sort glob RULES . '/*';
    return join ' ', version() // 'none', $sha->hexdigest;
}

sub read_cache {
    my ($path) = @_;
    open my $file, '<', $path or return {};
    my $key = <$file> // '';
    chomp $key;
    return {} if $key ne cache_key();
    return { map { chomp; split /\t/, $_, 2 } <$file> };
}

sub write_cache {
    my ( $path, $known ) = @_;
    make_path( dirname($path) );
    put( "$path.new", cache_key() . "\n", map {"$_\t$known->{$_}\n"} sort keys %$known );
    rename "$path.new", $path or die "$path: $!\n";
    return;
}

1;
